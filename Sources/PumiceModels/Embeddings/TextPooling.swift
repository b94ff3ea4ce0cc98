import PumiceModelFiles
public import PumiceOperators
import PumiceTensors

/// How the vectors of a text's tokens become its embedding.
public enum TextPooling: String, CaseIterable, Codable, Hashable, Sendable {
  /// The embedding is a list of the tokens' vectors.
  case none
  case mean
  /// The first token's, which is there to stand for the whole text.
  case cls
  /// The last token's.
  case last

  /// Nil where nothing is pooled.
  public var method: Pooling.Method? {
    switch self {
    case .none: nil
    case .mean: .mean
    case .cls: .first
    case .last: .last
    }
  }
}

/// What a model is loaded for.
enum ModelPurpose {
  /// Next tokens.
  case logits
  /// Vectors of texts.
  case embeddings
}

/// What the file says about the pooling of texts: `pooling_type`.
public enum StatedPooling: Hashable, Sendable {
  case method(TextPooling)
  /// The model compares two texts and gives a number (`rank`).
  case rank
}

extension ModelKeys {
  /// What `pooling_type` says; nil where it says nothing, or −1, which some files have without its sign.
  func pooling() throws(ModelFileError) -> StatedPooling? {
    if case .uint32(.max)? = file.metadata[name("pooling_type")] { return nil }
    return switch try file.optionalInteger(name("pooling_type"), in: -1...4) {
    case 0?: .method(.none)
    case 1?: .method(.mean)
    case 2?: .method(.cls)
    case 3?: .method(.last)
    case 4?: .rank
    default: nil
    }
  }

  /// The architecture with the activation that the file names, where the family's files may name one.
  func withStatedActivation(_ architecture: Architecture) throws(ModelFileError) -> Architecture {
    let key = "hidden_activation"
    guard architecture.encoder?.activationByKey == true, let stated = try file.optionalString(name(key)) else {
      return architecture
    }
    var changed = architecture
    switch stated {
    case "gelu": changed.feedForward = .gated(.geluErf)
    case "gelu_new", "gelu_pytorch_tanh": changed.feedForward = .gated(.geluTanh)
    case "silu", "swish": changed.feedForward = .gated(.silu)
    default: throw unsupported(key, "the activation “\(stated)”")
    }
    return changed
  }
}

extension PartFinder {
  /// The embedding of the first kind of token, which all tokens of a single text are of.
  mutating func tokenType() throws(ModelFileError) -> VectorPart? {
    let c = configuration, name = c.architecture.names.tokenTypes + ".weight"
    guard c.architecture.encoder?.hasTokenTypes == true, let table = file.tensor(named: name) else { return nil }
    let kinds = try file.optionalInteger("tokenizer.ggml.token_type_count", in: 1...1 << 16) ?? table.shape.rows
    var part = try vector(name, [kinds, c.embeddingLength])
    part = VectorPart(tensor: part.tensor, elements: 0..<c.embeddingLength)
    return part
  }

  /// Layers after pooling, each of which reads what the one before it gives; they have no biases.
  mutating func dense() throws(ModelFileError) -> [MatrixPart] {
    let c = configuration
    guard c.architecture.encoder?.hasDense == true else { return [] }
    var parts: [MatrixPart] = [], width = c.embeddingLength
    for name in c.architecture.names.dense {
      guard let tensor = file.tensor(named: name + ".weight") else { continue }
      guard tensor.shape.rank == 2 else {
        throw file.error(
          .invalidTensor, subject: "tensor \(tensor.name)", "has the shape \(tensor.shape), expected a matrix")
      }
      parts.append(try matrix(name, [tensor.shape[0], width]))
      width = tensor.shape[0]
    }
    return parts
  }
}
