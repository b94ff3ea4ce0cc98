import PumiceGPU
import PumiceKernels
import PumiceOperators
import PumiceReference
import PumiceShaders
import PumiceTensors
import Testing

@testable import PumiceVerification

/// What must hold between shaders, variants and problems, whatever the numbers.
@Suite struct InterfaceTests {
  @Test(arguments: OperatorName.allCases) func pushConstantsAreWhatTheShaderDeclares(_ name: OperatorName) throws {
    try withDevice { device, _ in try checkConstants(name.type, KernelLibrary(device: device)) }
  }

  private func checkConstants<Op: Verifiable>(_ type: Op.Type, _ library: KernelLibrary) throws {
    var checked: Set<String> = []
    for variant in Op.variants where variant.unavailable(on: library.device.info) == nil {
      for op in Op.problems where variant.unavailable(op, on: library.device.info) == nil {
        for step in variant.plan(op, library.device.info).steps {
          guard checked.insert("\(step.shader) \(step.defines.sorted { $0.key < $1.key })").inserted else { continue }
          let members = try library.pipeline(step).reflection.pushConstants
          let addresses = members.prefix { $0.isAddress }
          #expect(addresses.count == step.bindings.count, "\(step.shader)")
          let constants = members.dropFirst(addresses.count)
          #expect(constants.map(\.name) == step.constants.map(\.name), "\(step.shader)")
          for (index, member) in constants.enumerated() {
            #expect(member.offset == 8 * addresses.count + 4 * index && member.byteCount == 4, "\(step.shader)")
          }
        }
      }
    }
    #expect(!checked.isEmpty)
  }

  @Test func everyShaderIsNamedByAVariant() {
    let named = Set(OperatorName.allCases.flatMap { $0.type.shaderPaths } + DeviceLimits.shaders)
    let present = Set(ShaderLibrary.paths.filter { $0.hasSuffix(".comp") })
    #expect(present.subtracting(named).sorted() == [], "no variant uses these")
    #expect(named.subtracting(present).sorted() == [], "these do not exist")
  }

  @Test(arguments: OperatorName.allCases) func everyVariantIsReachedByAProblem(_ name: OperatorName) throws {
    // On paper, for devices that have everything: whether they run it is for `pumice verify` to say.
    let info = try withDevice { device, _ in device.info }
    let devices = [4, 8, 16, 32, 64].map { ablest(info, subgroupSize: $0) }
    check(name.type, devices)
  }

  private func check<Op: Verifiable>(_ type: Op.Type, _ devices: [DeviceInfo]) {
    for variant in Op.variants {
      var used: Set<String> = []
      for device in devices {
        for op in Op.problems where variant.unavailable(op, on: device) == nil {
          used.formUnion(variant.plan(op, device).steps.map(\.shader))
        }
      }
      #expect(used == Set(variant.shaders), "\(Op.name.rawValue) \(variant.name)")
    }
  }

  /// A device with every ability.
  private func ablest(_ info: DeviceInfo, subgroupSize: Int) -> DeviceInfo {
    var info = info
    info.features = Set(DeviceFeature.allCases)
    info.subgroupOperations = Set(SubgroupOperation.allCases)
    info.subgroupSize = subgroupSize
    (info.minSubgroupSize, info.maxSubgroupSize) = (4, 128)
    info.canChooseSubgroupSize = true
    info.maxWorkgroupInvocations = 1024
    info.maxWorkgroupSize = [1024, 1024, 64]
    info.maxWorkgroupCount = [Int(Int32.max), 65535, 65535]
    info.maxSharedMemory = 1 << 17
    info.driverName = "a driver that finishes its loops"
    return info
  }

  @Test(arguments: OperatorName.allCases) func boundsAreTightAndNotZeroWhereRoundingHappens(_ name: OperatorName) {
    checkBounds(name.type)
  }

  private func checkBounds<Op: Verifiable>(_ type: Op.Type) {
    let exact: Set<OperatorName> = [.kvAppend, .argMax, .packBitPlanes, .attentionTiles]
    var sawBound = false
    for op in Op.problems.filter({ $0.flops < 20_000 }) {
      let one = VerificationCase(op, data: .normal, seed: 1)
      var decoded: [String: [Double]] = [:]
      let inputs = one.inputs()
      for argument in op.arguments {
        decoded[argument.name] = inputs[argument.name].map { argument.format.decode($0, argument.shape) }
      }
      for (output, evaluated) in op.evaluate(decoded, rounding: .f32, elements: .all) {
        let finite = evaluated.values.filter(\.isFinite)
        let largest = finite.map(abs).max() ?? 0
        // Where rounding to codes may go either way, they may be one apart; that is rare.
        let isRounded = op.argument(output).format.isInteger
        if isRounded {
          #expect(evaluated.bounds.count { $0 > 0 } <= 1 + evaluated.bounds.count / 50, "\(op) \(output)")
        }
        for (value, bound) in zip(evaluated.values, evaluated.bounds) {
          #expect(bound >= 0 && bound.isFinite, "\(op) \(output)")
          // Cells of a cache that nobody may look at hold NaN; everything else is a number.
          // A sum may cancel to a thousandth of its terms.
          if value.isFinite { #expect(bound <= (isRounded ? 1 : 1e-2 * largest + 1e-30), "\(op) \(output)") }
        }
        sawBound = sawBound || evaluated.bounds.contains { $0 > 0 }
      }
    }
    #expect(sawBound != exact.contains(Op.name))
  }
}
