public import PumiceTensors

/// The operators of Pumice. Every face of an operator (definition, reference, dispatch, cases) is found by a switch over
/// this enum without `default`, so that a new operator does not build until all of them exist.
public enum OperatorName: String, CaseIterable, Codable, Hashable, Sendable {
  case embeddingGather = "embedding_gather"
  case matMul = "matmul"
  case sparseMatMul = "sparse_matmul"
  case rmsNorm = "rms_norm"
  case rope
  case kvAppend = "kv_append"
  case attention
  case attentionTiles = "attention_tiles"
  case layerNorm = "layer_norm"
  case activation
  case scaledSum = "scaled_sum"
  case headCopy = "head_copy"
  case expertRouting = "expert_routing"
  case expertMatMul = "expert_matmul"
  case expertSum = "expert_sum"
  case causalConvolution = "causal_convolution"
  case selectiveScan = "selective_scan"
  case pooling
  case gatedDeltaNet = "gated_delta_net"
  case softmax
  case argMax = "argmax"
  case packBitPlanes = "pack_bit_planes"
  case bitPlaneMatMul = "bit_plane_matmul"
  case quantizeActivations = "quantize_activations"
  case int8MatMul = "int8_matmul"
}

/// What an operator is: a value that holds its parameters, and says what tensors it takes and what it costs.
///
/// The other faces extend the same type: `Definition` (PumiceReference) computes it in `Double`, `Dispatchable`
/// (PumiceKernels) runs it on a device, `Verifiable` (PumiceVerification) says how to check it.
public protocol Operator: Hashable, Codable, Sendable, CustomStringConvertible {
  static var name: OperatorName { get }

  /// Inputs and outputs, in the order of the shader's bindings where they all are bound.
  var arguments: [Argument] { get }

  /// Floating-point operations, a multiply-add counted as two.
  var flops: Double { get }

  /// Bytes that must move between memory and the device at least once.
  var bytes: Double { get }

  /// Throws if the parameters are impossible (a zero size, a row that is no whole number of blocks).
  func validate() throws(OperatorError)
}

extension Operator {
  /// The argument of that name; a programmer's error if there is none.
  public func argument(_ name: String) -> Argument {
    guard let found = arguments.first(where: { $0.name == name }) else {
      preconditionFailure("\(Self.name.rawValue) has no argument \(name)")
    }
    return found
  }

  /// Every input read and every output written, once.
  public var bytes: Double {
    arguments.reduce(0) { $0 + Double($1.byteCount) * ($1.role == .inout ? 2 : 1) }
  }
}

/// One tensor that an operator reads or writes.
public struct Argument: Hashable, Sendable {
  public enum Role: Hashable, Sendable {
    case input
    case output
    /// Read and written in place.
    case `inout`
  }

  public var name: String
  public var shape: Shape
  public var format: TensorFormat
  public var role: Role
  /// What the address of the tensor must be a multiple of, in bytes: more than 4 where shaders load vectors.
  public var alignment = 4

  public static func input(_ name: String, _ shape: Shape, _ format: TensorFormat = .f32) -> Argument {
    Argument(name: name, shape: shape, format: format, role: .input)
  }
  public static func output(_ name: String, _ shape: Shape, _ format: TensorFormat = .f32) -> Argument {
    Argument(name: name, shape: shape, format: format, role: .output)
  }
  public static func `inout`(_ name: String, _ shape: Shape, _ format: TensorFormat = .f32) -> Argument {
    Argument(name: name, shape: shape, format: format, role: .inout)
  }

  /// The same argument, whose address must be a multiple of `bytes`.
  public func aligned(to bytes: Int) -> Argument {
    var aligned = self
    aligned.alignment = bytes
    return aligned
  }

  /// Bytes of the tensor's elements. Zero if the rows are no whole number of blocks, which `validate` refuses.
  public var byteCount: Int { format.byteCount(shape) ?? 0 }

  /// Bytes to reserve on a device: shaders read whole 32-bit words, up to four at once.
  public var storageBytes: Int { (byteCount + 15) & ~15 }
}

/// Parameters that no kernel could run.
public struct OperatorError: Error, Hashable, Sendable, CustomStringConvertible {
  public let name: OperatorName
  public let message: String

  public init(_ name: OperatorName, _ message: String) {
    self.name = name
    self.message = message
  }

  public var description: String { "\(name.rawValue): \(message)" }
}

extension Operator {
  /// Throws unless `condition` holds.
  func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(OperatorError) {
    if !condition { throw OperatorError(Self.name, message()) }
  }

  /// Throws unless every named size is at least 1 and small enough for 32-bit indices.
  func requireSizes(_ sizes: KeyValuePairs<String, Int>) throws(OperatorError) {
    for (name, size) in sizes {
      try require(size >= 1, "\(name) is \(size); it must be at least 1")
      try require(size <= Int(Int32.max), "\(name) is \(size), more than 32-bit indices reach")
    }
  }
}
