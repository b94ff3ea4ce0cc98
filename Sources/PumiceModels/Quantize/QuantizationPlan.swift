public import PumiceModelFiles
import PumiceQuantization
public import PumiceTensors

/// Which type each tensor of a model gets.
public struct QuantizationPlan: Sendable {
  /// What is asked for.
  public struct Request: Sendable {
    /// The type of weights.
    public var type: TensorFormat
    /// Other types for the token embedding and for the output matrix.
    public var tokenEmbedding: TensorFormat?
    public var output: TensorFormat?
    /// Other types for tensors by name, as a budget gives them.
    public var chosen: [String: TensorFormat]

    public init(
      _ type: TensorFormat, tokenEmbedding: TensorFormat? = nil, output: TensorFormat? = nil,
      chosen: [String: TensorFormat] = [:]
    ) {
      self.type = type
      self.tokenEmbedding = tokenEmbedding
      self.output = output
      self.chosen = chosen
    }
  }

  public struct Entry: Sendable {
    public let tensor: GGUFTensor
    /// The type that it is written in; the tensor's own if its bytes are copied.
    public let type: GGMLType
    /// Why that is not the type that was asked for; nil if it is, and for what is never quantized.
    public let remark: String?

    public var isCopied: Bool { type == tensor.type }
  }

  public let request: Request
  /// The tensors in the order of the file.
  public let entries: [Entry]

  /// - Throws: `unsupportedFormat` for a request that has no encoder, or for a tensor that has no decoder.
  public init(_ file: any GGUFSource, _ request: Request) throws {
    self.request = request
    let requested = [request.type, request.tokenEmbedding, request.output].compactMap { $0 } + request.chosen.values
    for format in requested where !Self.formats.contains(format) {
      throw QuantizationError(
        .unsupportedFormat,
        "\(format) is no type that a GGUF file can be quantized to, only "
          + Self.formats.map(\.name).joined(separator: ", "))
    }
    entries = try file.tensors.map { try Self.entry($0, of: file, request) }
  }

  /// The types that a GGUF file can be quantized to.
  public static let formats: [TensorFormat] = [.f32, .f16, .bf16] + RowEncoder.blockFormats.map { .block($0) }

  private static func entry(_ tensor: GGUFTensor, of file: any GGUFSource, _ request: Request) throws -> Entry {
    guard isQuantized(tensor) else { return Entry(tensor: tensor, type: tensor.type, remark: nil) }
    // Fails with the list of types for one that cannot be decoded.
    _ = try file.format(of: tensor)
    let wanted =
      switch tensor.name {
      case "token_embd.weight": request.tokenEmbedding ?? request.chosen[tensor.name] ?? request.type
      case "output.weight": request.output ?? request.chosen[tensor.name] ?? request.type
      default: request.chosen[tensor.name] ?? request.type
      }
    let columns = tensor.shape.rowLength
    var format = wanted
    while columns % format.blockLength != 0 { format = substitute(for: format, columns: columns) }
    guard let type = GGMLType(format) else {
      throw QuantizationError(.unsupportedFormat, tensor: tensor.name, "GGUF has no type for \(format)")
    }
    let remark =
      format == wanted
      ? nil : "rows of \(columns) are no whole number of blocks of \(wanted.blockLength), as \(wanted) has: \(format)"
    return Entry(tensor: tensor, type: type, remark: remark)
  }

  /// Whether a tensor is a weight matrix that stands the loss: not a vector, a bias, a norm, a position, a router of
  /// experts, or a kernel or mixing matrix of a recurrent layer. As llama.cpp chooses.
  static func isQuantized(_ tensor: GGUFTensor) -> Bool {
    let name = tensor.name
    guard tensor.shape.rank >= 2, name.hasSuffix("weight") else { return false }
    let kept = [
      "_norm.weight", "ffn_gate_inp.weight", "altup", "laurel", "per_layer_model_proj", "pos_embd.weight",
      "position_embd.weight", "token_types.weight", "ssm_conv1d", "shortconv.conv.weight", "time_mix_",
      "attn_rel_b.weight",
    ]
    return !kept.contains { name.contains($0) }
  }

  /// The number of that type in the key `general.file_type`; nil where llama.cpp has none for it alone.
  static func fileType(_ format: TensorFormat) -> UInt32? {
    switch format {
    case .f32: 0
    case .f16: 1
    case .bf16: 32
    case .block(let block):
      switch block {
      case .q4_0: 2
      case .q4_1: 3
      case .q8_0: 7
      case .q5_0: 8
      case .q5_1: 9
      case .q2_K: 10
      case .q3_K: 11
      case .q4_K: 14
      case .q5_K: 16
      case .q6_K: 18
      case .iq4_nl: 25
      case .iq4_xs: 30
      case .tq1_0: 36
      case .tq2_0: 37
      case .mxfp4: 38
      case .q1_0: 40
      case .q2_0: 41
      case .nvfp4, .iq2_xxs, .iq2_xs, .iq2_s, .iq3_xxs, .iq3_s, .iq1_s, .iq1_m: nil
      }
    default: nil
    }
  }

  /// The type of nearly as many bits that llama.cpp takes for rows that blocks of 256 do not divide; f16 for the rest.
  private static func substitute(for format: TensorFormat, columns: Int) -> TensorFormat {
    guard case .block(let block) = format, columns % 32 == 0 else { return .f16 }
    return switch block {
    case .q4_K: .block(.q5_0)
    case .q5_K: .block(.q5_1)
    case .q6_K: .block(.q8_0)
    case .tq1_0, .tq2_0, .q1_0, .q2_0: .block(.q4_0)
    default: .block(.iq4_nl)
    }
  }
}
