/// The tensors of one linear layer or embedding, checked against each other and against the configuration.
///
/// Take the bytes of each with `SafetensorsFile.withBytes(of:)`.
public struct LinearTensors: Hashable, Sendable {
  /// How the weight is stored. `[outputs, inputs]` is the weight's shape everywhere.
  public enum Storage: Hashable, Sendable {
    /// `weight`: numbers.
    case plain(weight: SafetensorsTensor)
    /// `weight`, `scales`, `biases`.
    case mlx(MLXTensors)
    /// `qweight`, `qzeros`, `scales`, `g_idx`.
    case gptq(GPTQTensors)
    /// `qweight`, `qzeros`, `scales`.
    case awq(AWQTensors)
  }

  /// The layer's name: that of its tensors without the last part.
  public let name: String
  public let outputs: Int
  public let inputs: Int
  public let storage: Storage
  /// Numbers that are added to the outputs: [outputs].
  public let bias: SafetensorsTensor?

  /// Everything that makes up the weight, in the order in which formats list their sections.
  public var parts: [SafetensorsTensor] {
    switch storage {
    case .plain(let weight): [weight]
    case .mlx(let tensors): [tensors.codes, tensors.scales] + (tensors.biases.map { [$0] } ?? [])
    case .gptq(let tensors): [tensors.codes, tensors.zeros, tensors.scales] + (tensors.groups.map { [$0] } ?? [])
    case .awq(let tensors): [tensors.codes, tensors.zeros, tensors.scales]
    }
  }
}

/// MLX's tensors of a layer: unsigned codes along the rows, lowest bit first in 32-bit words.
public struct MLXTensors: Hashable, Sendable {
  /// U32 [outputs, inputs · bits / 32]
  public let codes: SafetensorsTensor
  /// F16, BF16 or F32 [outputs, groups]
  public let scales: SafetensorsTensor
  /// As the scales; nil in a symmetric scheme.
  public let biases: SafetensorsTensor?
  public let scheme: MLXQuantization.Scheme
}

/// GPTQ's tensors of a layer: unsigned codes down the columns of the transposed weight, lowest bit first in 32-bit words.
public struct GPTQTensors: Hashable, Sendable {
  /// I32 [inputs · bits / 32, outputs]
  public let codes: SafetensorsTensor
  /// I32 [groups, outputs · bits / 32]
  public let zeros: SafetensorsTensor
  /// F16 [groups, outputs]
  public let scales: SafetensorsTensor
  /// I32 [inputs]: the group of each input, every one of them an existing group; nil where groups are neighbours.
  public let groups: SafetensorsTensor?
  public let bits: Int
  /// Inputs that share a scale; nil for all.
  public let group: Int?
  /// What is added to stored zero points.
  public let zeroOffset: Int
}

/// AWQ's tensors of a layer: eight 4-bit codes of neighbouring outputs in a word, in the order 0, 2, 4, 6, 1, 3, 5, 7.
public struct AWQTensors: Hashable, Sendable {
  /// I32 [inputs, outputs / 8]
  public let codes: SafetensorsTensor
  /// I32 [groups, outputs / 8]
  public let zeros: SafetensorsTensor
  /// F16 [groups, outputs]
  public let scales: SafetensorsTensor
  /// Inputs that share a scale; nil for all.
  public let group: Int?
}
