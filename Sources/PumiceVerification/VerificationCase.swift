import PumiceOperators
import PumiceTensors

/// One problem with one kind of data. Its description names it within its operator: `pumice verify --case` takes it.
public struct VerificationCase<Op: Verifiable>: Sendable, CustomStringConvertible {
  public var op: Op
  public var data: DataKind
  public var seed: UInt64

  public init(_ op: Op, data: DataKind, seed: UInt64) {
    self.op = op
    self.data = data
    self.seed = seed
  }

  public var description: String { "\(op) \(data.rawValue)" }

  /// The stored bytes of every input and `inout` argument, by name: a function of the case alone.
  func inputs() -> [String: [UInt8]] {
    var random = RandomSource(seed: seed, label: description)
    var bytes: [String: [UInt8]] = [:]
    for argument in op.arguments where argument.role != .output {
      var made = op.special(argument, &random) ?? data.bytes(argument.shape, argument.format, &random)
      // All bits set: NaN in every floating-point format.
      for range in op.unused(argument) { made.replaceSubrange(range, with: repeatElement(0xff, count: range.count)) }
      bytes[argument.name] = made
    }
    return bytes
  }
}

extension Verifiable {
  /// Every problem with every kind of data.
  static func cases(seed: UInt64) -> [VerificationCase<Self>] {
    problems.flatMap { op in dataKinds.map { VerificationCase(op, data: $0, seed: seed) } }
  }
}
