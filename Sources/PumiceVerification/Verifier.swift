import PumiceGPU
public import PumiceKernels
import PumiceOperators
import PumiceReference
import PumiceTensors

/// Runs cases on a device and compares every element with the reference.
public final class Verifier {
  public let kernels: KernelLibrary
  private var buffer: Buffer?

  public init(kernels: KernelLibrary) { self.kernels = kernels }

  /// What one variant made of one case.
  public enum Outcome: Sendable {
    case passed(worstShare: Double)
    case failed(String)
    case unavailable(String)
  }

  /// A case with its reference, computed once for each rounding model and shared by all variants.
  final class Prepared<Op: Verifiable> {
    let verificationCase: VerificationCase<Op>
    let inputs: [String: [UInt8]]
    let workspace: Workspace
    let elements: ElementSelection
    private var expected: [RoundingModel: [String: Evaluated]] = [:]

    init(_ verificationCase: VerificationCase<Op>, elements: ElementSelection = .all) {
      self.verificationCase = verificationCase
      self.elements = elements
      inputs = verificationCase.inputs()
      workspace = Workspace(verificationCase.op.arguments, inputs: inputs)
    }

    func expected(_ rounding: RoundingModel) -> [String: Evaluated] {
      if let known = expected[rounding] { return known }
      var decoded: [String: [Double]] = [:]
      for argument in verificationCase.op.arguments {
        decoded[argument.name] = inputs[argument.name].map { argument.format.decode($0) }
      }
      let result = verificationCase.op.evaluate(decoded, rounding: rounding, elements: elements)
      expected[rounding] = result
      return result
    }
  }

  /// Runs one case on one variant.
  func run<Op: Verifiable>(_ prepared: Prepared<Op>, variant: Variant<Op>) throws -> Outcome {
    let op = prepared.verificationCase.op
    if let reason = variant.unavailable(op, on: kernels.device.info) { return .unavailable(reason) }
    let found = try execute(prepared, variant: variant)
    if let damage = prepared.workspace.damage(in: found) { return .failed("\(prepared.verificationCase): \(damage)") }
    var comparison = Comparison()
    let expected = prepared.expected(variant.rounding)
    for argument in op.arguments where argument.role != .input {
      guard let reference = expected[argument.name] else {
        preconditionFailure("the reference of \(Op.name.rawValue) gives no \(argument.name)")
      }
      let values = argument.format.decode(prepared.workspace.bytes(of: argument.name, in: found))
      comparison.compare(values, with: reference, output: argument.name, elements: prepared.elements)
    }
    if let failure = comparison.failure { return .failed("\(prepared.verificationCase): \(failure)") }
    return .passed(worstShare: comparison.worstShare)
  }

  /// The image of the workspace after the variant ran.
  func execute<Op: Verifiable>(_ prepared: Prepared<Op>, variant: Variant<Op>) throws -> [UInt32] {
    let workspace = prepared.workspace
    let buffer = try buffer(byteCount: workspace.byteCount)
    try buffer.write(workspace.image)
    let list = try kernels.device.makeCommandList(label: "verify \(Op.name.rawValue) \(variant.name)")
    try kernels.record(prepared.verificationCase.op, workspace.slices(of: buffer), into: list, variant: variant)
    try list.run()
    return try buffer.read(UInt32.self, count: workspace.image.count)
  }

  private func buffer(byteCount: Int) throws -> Buffer {
    if let buffer, buffer.byteCount >= byteCount { return buffer }
    buffer = nil
    let grown = try kernels.device.makeBuffer(byteCount: max(byteCount, 1 << 22), label: "verification workspace")
    buffer = grown
    return grown
  }
}
