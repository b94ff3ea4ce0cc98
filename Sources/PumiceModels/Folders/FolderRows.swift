import PumiceModelFiles

/// Some rows of a tensor, in some order.
struct FolderRows: Sendable {
  let count: Int
  /// The row of the folder that is row `row`.
  let source: @Sendable (Int) -> Int
  /// The same where they are neighbours in their order.
  let range: Range<Int>?

  init(_ range: Range<Int>) {
    count = range.count
    source = { range.lowerBound + $0 }
    self.range = range
  }

  init(count: Int, _ source: @escaping @Sendable (Int) -> Int) {
    (self.count, self.source) = (count, source)
    range = nil
  }

  /// These rows in another order: row r of the result is row `order(r)` of these.
  func ordered(by order: @escaping @Sendable (Int) -> Int) -> FolderRows {
    let source = source
    return FolderRows(count: count) { source(order($0)) }
  }

  /// The rows of a tensor whose rows have `size` bytes.
  func bytes(of rows: UnsafeRawBufferPointer, size: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count * size) { result, written in
      let target = UnsafeMutableRawBufferPointer(result)
      for row in 0..<count {
        let from = source(row) * size
        UnsafeMutableRawBufferPointer(rebasing: target[row * size..<(row + 1) * size])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: rows[from..<from + size]))
      }
      written = count * size
    }
  }
}

extension FolderTarget {
  /// The tensors that become of one, with the rows that each has; nil rows for all.
  ///
  /// - Returns: nil for a number of rows that cannot be divided so.
  func parts(rows: Int, _ config: FolderConfiguration) -> [(name: String, rows: FolderRows?)]? {
    let size = config.headSize, heads = config.heads, kvHeads = config.kvHeads
    switch self {
    case .one("position_embd") where config.family.firstPosition > 0:
      let first = config.family.firstPosition
      return rows > first ? [("position_embd", FolderRows(first..<rows))] : nil
    case .one(let name), .kernels(let name), .gainsOfGroups(let name): return [(name, nil)]
    case .numbers, .experts: return nil
    case .keysAndValuesOfLatents:
      guard let latents = config.latents, rows == heads * (latents.plain + latents.value) else { return nil }
      func take(_ first: Int, _ each: Int) -> FolderRows {
        FolderRows(count: heads * each) { $0 / each * (latents.plain + latents.value) + first + $0 % each }
      }
      return [("attn_k_b", take(0, latents.plain)), ("attn_v_b", take(latents.plain, latents.value))]
    case .deltaHeadByHead: return config.recurrence?.deltaParts(rows: rows)
    case .halves(let first, let second):
      guard rows % 2 == 0 else { return nil }
      return [(first, FolderRows(0..<rows / 2)), (second, FolderRows(rows / 2..<rows))]
    case .queriesKeysValues:
      guard rows == (heads + 2 * kvHeads) * size else { return nil }
      let keys = heads * size, values = (heads + kvHeads) * size
      return [
        ("attn_q", FolderRows(0..<keys)), ("attn_k", FolderRows(keys..<values)), ("attn_v", FolderRows(values..<rows)),
      ]
    case .headByHead:
      guard rows == (heads + 2 * kvHeads) * size else { return nil }
      let share = heads / kvHeads
      // One head after the other, each with `each` of those that lie from `first` on.
      func take(_ first: Int, _ each: Int) -> FolderRows {
        FolderRows(count: kvHeads * each * size) { row in
          let (group, inGroup) = row.quotientAndRemainder(dividingBy: each * size)
          return (group * (share + 2) + first) * size + inGroup
        }
      }
      return [("attn_q", take(0, share)), ("attn_k", take(share, 1)), ("attn_v", take(share + 1, 1))]
    }
  }
}

extension FolderRecurrence.Sizes {
  /// The rows of a delta net's tensor in the order of GGUF's files: heads of values that the same head of keys serves lie
  /// together in folders, there the first ones of all heads of keys do.
  ///
  /// - Parameter name: of the tensor in GGUF.
  /// - Returns: nil for a tensor whose rows are in the same order, or are not those of this net.
  func tiled(_ name: String, rows: Int) -> FolderRows? {
    let (first, size): (Int, Int)
    switch name {
    case "attn_qkv", "ssm_conv1d": (first, size) = (2 * groups * states, headSize)
    case "attn_gate", "ssm_out": (first, size) = (0, headSize)
    case "ssm_alpha", "ssm_beta", "ssm_a", "ssm_dt": (first, size) = (0, 1)
    default: return nil
    }
    guard rows == first + steps * size, groups > 0 else { return nil }
    let groups = groups, served = steps / groups
    return FolderRows(count: rows) { row in
      guard row >= first else { return row }
      let (head, inHead) = (row - first).quotientAndRemainder(dividingBy: size)
      return first + (head % groups * served + head / groups) * size + inHead
    }
  }

  /// Queries, keys and values of a delta net, and its gates: those of each head of keys lie together.
  func deltaParts(rows: Int) -> [(name: String, rows: FolderRows?)]? {
    let keys = groups * states
    guard groups > 0, rows == 2 * keys + 2 * inner else { return nil }
    let states = states, served = inner / groups, group = 2 * states + 2 * served
    // Row `row` of those that have `each` for a head of keys, from `first` on.
    @Sendable func row(_ row: Int, _ each: Int, from first: Int) -> Int { row / each * group + first + row % each }
    let mixed = FolderRows(count: 2 * keys + inner) { index in
      if index < keys { return row(index, states, from: 0) }
      if index < 2 * keys { return row(index - keys, states, from: states) }
      return row(index - 2 * keys, served, from: 2 * states)
    }
    let gates = FolderRows(count: inner) { row($0, served, from: 2 * states + served) }
    return [("attn_qkv", mixed), ("attn_gate", gates)]
  }
}
