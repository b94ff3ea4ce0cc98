public import PumiceKernels
public import PumiceOperators
public import PumiceReference

/// How an operator would be wrong: the problems and data that show it.
public protocol Verifiable: Operator, Definition, Dispatchable {
  /// The problems: sizes 1, a tile less one, a tile, a tile and one, primes, and what else is awkward here.
  static var problems: [Self] { get }

  /// The kinds of data that each problem is run with.
  static var dataKinds: [DataKind] { get }

  /// The bytes of an argument that random numbers do not make (tokens, positions, tables); nil for the default.
  func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]?
}

extension Verifiable {
  public static var dataKinds: [DataKind] { DataKind.allCases }
  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? { nil }
}

extension OperatorName {
  /// The type behind the name, with all its faces. No `default`: a new operator does not build until it has cases.
  public var verifiable: any Verifiable.Type {
    switch self {
    case .embeddingGather: EmbeddingGather.self
    case .matMul: MatMul.self
    case .rmsNorm: RMSNorm.self
    case .rope: RoPE.self
    case .kvAppend: KVAppend.self
    case .attention: Attention.self
    case .swiGLU: SwiGLU.self
    case .softmax: Softmax.self
    case .argMax: ArgMax.self
    }
  }
}

/// One problem with one kind of data.
public struct VerificationCase<Op: Verifiable>: Sendable, CustomStringConvertible {
  public var op: Op
  public var data: DataKind
  public var seed: UInt64

  public init(_ op: Op, data: DataKind, seed: UInt64) {
    self.op = op
    self.data = data
    self.seed = seed
  }

  public var description: String { "\(op) data=\(data.rawValue) seed=\(seed)" }

  /// The stored bytes of every input and `inout` argument, by name: a function of the case alone.
  func inputs() -> [String: [UInt8]] {
    var random = RandomSource(seed: seed)
    var bytes: [String: [UInt8]] = [:]
    for argument in op.arguments where argument.role != .output {
      bytes[argument.name] = op.special(argument, &random) ?? data.bytes(argument.shape, argument.format, &random)
    }
    return bytes
  }
}

extension Verifiable {
  /// Every problem with every kind of data.
  static func cases(seed: UInt64) -> [VerificationCase<Self>] {
    problems.enumerated().flatMap { index, op in
      dataKinds.map { VerificationCase(op, data: $0, seed: seed &+ UInt64(index)) }
    }
  }
}

/// The bytes of 32-bit integers.
func integers(_ values: [Int32]) -> [UInt8] { values.flatMap { littleEndian($0) } }
