public import PumiceGPU
public import PumiceOperators

/// What a variant needs of a device, beyond Vulkan 1.3.
public enum Requirement: Hashable, Sendable {
  /// A class of subgroup operations in compute shaders.
  case subgroup(SubgroupOperation)
  /// A subgroup size that is known when the pipeline is made.
  case fixedSubgroupSize
  /// Subgroups of at least this many lanes.
  case subgroupSize(atLeast: Int)
  /// Subgroups of at most this many lanes.
  case maxSubgroupSize(Int)
  /// Bytes of shared memory for one workgroup.
  case sharedMemory(Int)
  /// Invocations in one workgroup.
  case workgroup(Int)
  /// An optional feature.
  case feature(DeviceFeature)

  /// Why the device does not meet it; nil if it does.
  public func missing(on device: DeviceInfo) -> String? {
    switch self {
    case .subgroup(let operation):
      device.subgroupOperations.contains(operation)
        ? nil : "the device has no subgroup \(operation.rawValue) operations"
    case .fixedSubgroupSize:
      device.canChooseSubgroupSize || device.minSubgroupSize == device.maxSubgroupSize
        ? nil : "the subgroup size varies (\(device.minSubgroupSize) to \(device.maxSubgroupSize)) and cannot be chosen"
    case .subgroupSize(let least):
      device.subgroupSize >= least ? nil : "needs subgroups of \(least), the device has \(device.subgroupSize)"
    case .maxSubgroupSize(let most):
      device.subgroupSize <= most
        ? nil : "needs subgroups of at most \(most), the device has \(device.subgroupSize)"
    case .sharedMemory(let bytes):
      device.maxSharedMemory >= bytes
        ? nil : "needs \(bytes) bytes of shared memory, the device has \(device.maxSharedMemory)"
    case .workgroup(let invocations):
      device.maxWorkgroupInvocations >= invocations
        ? nil : "needs workgroups of \(invocations), the device allows \(device.maxWorkgroupInvocations)"
    case .feature(let feature):
      device.features.contains(feature) ? nil : "the device lacks \(feature.rawValue)"
    }
  }
}

/// One way to run an operator: the same mathematics for another kind of device or shape.
public struct Variant<Op: Operator>: Sendable {
  /// Unique within the operator, in snake_case, as `pumice verify --variant` takes it.
  public let name: String
  /// One sentence: the mapping of work to threads, and where it is good.
  public let summary: String
  /// The shaders that its plans use, as paths below `Shaders/`.
  public let shaders: [String]
  /// For shaders that include generated texts, samples of them by name: quarantine is tied to these, so that a variant
  /// that failed is tried again once they are generated differently.
  public let generated: [String: String]
  /// Where it rounds.
  public let rounding: RoundingModel
  /// What it needs of any device.
  public let needs: [Requirement]
  /// Why it cannot run this very problem here; nil if it can. `needs` are already met.
  public let refusal: @Sendable (Op, DeviceInfo) -> String?
  /// The most loop iterations of one invocation, all loops together: some drivers stop every loop after a while (see
  /// `DeviceInfo.loopIterationLimit`). Unrolled loops do not count.
  public let loopIterations: @Sendable (Op, DeviceInfo) -> Int
  /// The dispatches that compute the operator. `needs` are met and `refusal` gave nil.
  public let plan: @Sendable (Op, DeviceInfo) -> Plan

  public init(
    _ name: String, summary: String, shaders: [String], generated: [String: String] = [:],
    rounding: RoundingModel = .f32, needs: [Requirement] = [],
    refusal: @escaping @Sendable (Op, DeviceInfo) -> String? = { _, _ in nil },
    loopIterations: @escaping @Sendable (Op, DeviceInfo) -> Int,
    plan: @escaping @Sendable (Op, DeviceInfo) -> Plan
  ) {
    self.name = name
    self.summary = summary
    self.shaders = shaders
    self.generated = generated
    self.rounding = rounding
    self.needs = needs
    self.refusal = refusal
    self.loopIterations = loopIterations
    self.plan = plan
  }

  /// Why it cannot run `op` on the device; nil if it can.
  public func unavailable(_ op: Op, on device: DeviceInfo) -> String? {
    if let reason = unavailable(on: device) ?? refusal(op, device) { return reason }
    guard let limit = device.loopIterationLimit else { return nil }
    let iterations = loopIterations(op, device)
    return iterations <= limit
      ? nil : "loops \(iterations) times in one invocation, and this driver stops loops after \(limit)"
  }

  /// Why it can run nothing on the device; nil if its needs are met.
  public func unavailable(on device: DeviceInfo) -> String? {
    for need in needs { if let reason = need.missing(on: device) { return reason } }
    return nil
  }
}

/// The dispatches of one operator, in order, and the scratch memory they share.
public struct Plan: Sendable {
  public var steps: [Step]
  /// Bytes of each scratch buffer; a step names one by its index.
  public var scratch: [Int]

  public init(_ steps: [Step], scratch: [Int] = []) {
    self.steps = steps
    self.scratch = scratch
  }

  public init(_ step: Step) { self.init([step]) }
}

/// One dispatch of one shader.
public struct Step: Sendable {
  /// What is bound to a binding of the shader.
  public enum Binding: Hashable, Sendable {
    /// The argument of that name; accessed as its role says.
    case argument(String)
    /// A scratch buffer of the plan.
    case scratch(Int, Access)
    /// A table that codes of weights choose from.
    case table(WeightTable)
  }

  /// Path below `Shaders/`.
  public var shader: String
  /// Macros: types, layouts and formats.
  public var defines: [String: String]
  /// Texts that the shader includes as `Generated/name.glsl`, by name.
  public var generated: [String: String]
  /// Specialization constants 0, 1, …: numbers that unroll loops.
  public var specialization: [UInt32]
  public var bindings: [Binding]
  /// Push constants after the buffer addresses, with the names that they have in the shader.
  public var constants: [(name: String, value: UInt32)]
  public var groups: (Int, Int, Int)
  /// The size that subgroups must have, where the shader depends on it.
  public var subgroupSize: Int?

  public init(
    _ shader: String, defines: [String: String] = [:], generated: [String: String] = [:],
    specialization: [UInt32] = [], bindings: [Binding], constants: KeyValuePairs<String, UInt32>,
    groups: (Int, Int, Int), subgroupSize: Int? = nil
  ) {
    self.shader = shader
    self.defines = defines
    self.generated = generated
    self.specialization = specialization
    self.bindings = bindings
    self.constants = constants.map { (name: $0.key, value: $0.value) }
    self.groups = groups
    self.subgroupSize = subgroupSize
  }
}

/// The quotient rounded up: how many groups of `size` cover `count`.
func groups(_ count: Int, of size: Int) -> Int { (count + size - 1) / size }
