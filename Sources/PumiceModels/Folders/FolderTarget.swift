import PumiceTensors

/// What becomes of a tensor of a folder.
enum FolderTarget: Hashable, Sendable, ExpressibleByStringLiteral {
  /// It has another name.
  case one(String)
  /// The rows of all queries, of all keys and of all values, one after the other.
  case queriesKeysValues
  /// For each head of keys the rows of its queries, of its key, and of its value.
  case headByHead
  /// The rows of two tensors, one after the other.
  case halves(String, String)
  /// For each head of keys of a delta net the rows of its query, of its key, and of the values and gates that it serves.
  case deltaHeadByHead
  /// For each head the matrix that makes a query one of latents, and the one that makes a value of latents, of rows that
  /// make keys and values: those for keys are transposed.
  case keysAndValuesOfLatents
  /// Numbers under the whole name that GGUF has for them.
  case numbers(String, FolderNumbers = .plain)
  /// The kernels of a convolution of each channel for itself, [channels, 1, taps].
  case kernels(String)
  /// Gains of a norm of groups of channels, those of each group a row.
  case gainsOfGroups(String)
  /// Matrices, or biases, of all experts.
  case experts(ExpertStack)

  init(stringLiteral name: String) { self = .one(name) }
}

/// What numbers that are no weights and no biases of a layer are in GGUF.
enum FolderNumbers: Hashable, Sendable {
  /// The same.
  case plain
  /// One after the other in a vector.
  case flat
  /// Each a row.
  case column
  /// −eˣ, the rates of decay whose logarithms folders have.
  case decay
  /// These, each a row.
  case decayColumn

  var isDecay: Bool { self == .decay || self == .decayColumn }
  var isColumn: Bool { self == .column || self == .decayColumn }
}

/// How the matrices, or the biases, of all experts lie in one tensor.
struct ExpertStack: Hashable, Sendable {
  /// What the rows of each expert become: one tensor, or the gates and the ups.
  var names: [String]
  var part = Part.weight
  /// Whether a gate and an up take turns; otherwise all gates are first.
  var takesTurns = false
  /// Whether matrices are [inputs, outputs].
  var isTransposed = false
  /// Whether matrices lie one below the other, without a dimension for experts.
  var isFlat = false

  enum Part: String, Sendable {
    case weight
    case bias
    /// OpenAI's layout of MXFP4: blocks of codes, and in a tensor of their own the exponents.
    case blocks
  }

  static let gatesAndUps = ExpertStack(names: ["ffn_gate_exps", "ffn_up_exps"])
  static let downs = ExpertStack(names: ["ffn_down_exps"])
}

extension ExpertStack {
  /// The rows, counted through all experts, that each name has.
  ///
  /// - Parameter rows: of an expert.
  /// - Returns: nil for a number that cannot be divided so.
  func parts(experts: Int, rows: Int) -> [(name: String, rows: FolderRows?)]? {
    guard names.count > 1 else { return [(names[0], nil)] }
    guard rows % 2 == 0 else { return nil }
    let half = rows / 2, takesTurns = takesTurns
    return names.enumerated().map { index, name in
      let taken = FolderRows(count: experts * half) { row in
        let (expert, inExpert) = row.quotientAndRemainder(dividingBy: half)
        return expert * rows + (takesTurns ? 2 * inExpert + index : index * half + inExpert)
      }
      return (name, taken)
    }
  }
}
