import PumiceGPU
public import PumiceKernels
import PumiceOperators
import PumiceReference
import PumiceTensors

/// Runs cases on a device and compares every element with the reference.
public final class Verifier {
  public let kernels: KernelLibrary
  /// The same device with a barrier before every dispatch, whose results must be the same bit for bit.
  public let serialized: KernelLibrary?
  private var buffers: [ObjectIdentifier: Buffer] = [:]

  /// - Parameter serialized: the kernels of a device opened with `DeviceOptions.barrierEverywhere`; every case is run
  ///   there as well.
  public init(kernels: KernelLibrary, serialized: KernelLibrary? = nil) {
    self.kernels = kernels
    self.serialized = serialized
  }

  /// What one variant made of one case.
  public enum Outcome: Sendable {
    case passed(worstShare: Double)
    case failed(String)
    case refused(String)
  }

  /// A case with its reference, computed once for each rounding model and shared by all variants.
  final class Prepared<Op: Verifiable> {
    let verificationCase: VerificationCase<Op>
    let workspace: Workspace
    let elements: ElementSelection
    fileprivate let inputs: [String: [UInt8]]
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
        decoded[argument.name] = inputs[argument.name].map { argument.format.decode($0, argument.shape) }
      }
      let result = verificationCase.op.evaluate(decoded, rounding: rounding, elements: elements)
      expected[rounding] = result
      return result
    }
  }

  /// Runs one case on one variant: its result must be within the bounds, and the same again.
  ///
  /// - Throws: `GPUError` only where the machine is at fault and not the variant: no memory, no device any more.
  func run<Op: Verifiable>(_ prepared: Prepared<Op>, variant: Variant<Op>) throws -> Outcome {
    if let reason = variant.unavailable(prepared.verificationCase.op, on: kernels.device.info) {
      return .refused(reason)
    }
    do {
      let found = try execute(prepared, variant: variant)
      let comparison = compare(found, with: prepared, rounding: variant.rounding)
      if let failure = comparison.failure { return .failed(failure) }
      let again = try execute(prepared, variant: variant)
      if let word = firstDifference(found, again) {
        return .failed("a second run differs: \(prepared.workspace.location(ofWord: word))")
      }
      if let serialized {
        let apart = try execute(prepared, variant: variant, on: serialized)
        if let word = firstDifference(found, apart) {
          return .failed("differs with a barrier before every dispatch: \(prepared.workspace.location(ofWord: word))")
        }
      }
      return .passed(worstShare: comparison.worstShare)
    } catch let error as GPUError where [.outOfDeviceMemory, .outOfHostMemory].contains(error.code) {
      throw error
    } catch let error as GPUError where error.code != .deviceLost {
      return .failed(error.description)
    }
  }

  /// What is wrong with an image read back, and the largest error as a share of its bound.
  func compare<Op: Verifiable>(
    _ found: [UInt32], with prepared: Prepared<Op>, rounding: RoundingModel
  ) -> (worstShare: Double, failure: String?) {
    if let damage = prepared.workspace.damage(in: found) { return (.infinity, damage) }
    var comparison = Comparison()
    let expected = prepared.expected(rounding)
    for argument in prepared.verificationCase.op.arguments where argument.role != .input {
      guard let reference = expected[argument.name] else {
        preconditionFailure("the reference of \(Op.name.rawValue) gives no \(argument.name)")
      }
      comparison.compare(
        argument, prepared.workspace.bytes(of: argument.name, in: found), before: prepared.inputs[argument.name],
        with: reference, elements: prepared.elements)
    }
    return (comparison.worstShare, comparison.failure?.description)
  }

  /// The image of the workspace after the variant ran.
  func execute<Op: Verifiable>(
    _ prepared: Prepared<Op>, variant: Variant<Op>, on library: KernelLibrary? = nil
  ) throws -> [UInt32] {
    let library = library ?? kernels
    let workspace = prepared.workspace
    let buffer = try buffer(byteCount: workspace.byteCount, of: library)
    try buffer.write(workspace.image)
    try library.poisonScratch(word: Workspace.poisonWord)
    let list = try library.device.makeCommandList(label: "verify \(Op.name.rawValue) \(variant.name)")
    try library.record(prepared.verificationCase.op, workspace.slices(of: buffer), into: list, variant: variant)
    try list.run()
    return try buffer.read(UInt32.self, count: workspace.image.count)
  }

  private func buffer(byteCount: Int, of library: KernelLibrary) throws -> Buffer {
    let owner = ObjectIdentifier(library)
    if let buffer = buffers[owner], buffer.byteCount >= byteCount { return buffer }
    buffers[owner] = nil
    let grown = try library.device.makeBuffer(byteCount: max(byteCount, 1 << 22), label: "verification workspace")
    buffers[owner] = grown
    return grown
  }
}

/// The first word in which two images differ.
private func firstDifference(_ one: [UInt32], _ other: [UInt32]) -> Int? {
  one == other ? nil : one.indices.first { one[$0] != other[$0] }
}
