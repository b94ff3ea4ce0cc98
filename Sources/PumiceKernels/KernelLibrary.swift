public import PumiceGPU
public import PumiceOperators
import PumiceShaders
import PumiceTensors
import Synchronization

/// The kernels of one device: chooses variants, builds their pipelines, records their dispatches.
public final class KernelLibrary: Sendable {
  public let device: Device
  /// Variants that failed verification on this device and driver, and are not chosen.
  public let quarantine: Quarantine
  /// Replacement texts of shader files by path, for mutation tests.
  private let overrides: [String: String]
  private let state = Mutex(State())

  private struct State: ~Copyable {
    var pipelines: [PipelineKey: Pipeline] = [:]
    /// By the paths of the shaders and samples of generated texts: every choice asks, and a forward pass makes a hundred.
    var hashes: [HashKey: String] = [:]
    var scratch: Buffer?
    var tables: [WeightTable: Buffer] = [:]
  }

  private struct PipelineKey: Hashable {
    let shader: String, defines: [String: String], generated: [String: String], specialization: [UInt32],
      buffers: Int, constants: Int, subgroupSize: Int?
  }

  private struct HashKey: Hashable {
    let shaders: [String], generated: [String: String]
  }

  public init(device: Device, quarantine: Quarantine = Quarantine(), overrides: [String: String] = [:]) {
    self.device = device
    self.quarantine = quarantine
    self.overrides = overrides
  }

  /// The variant that runs `op`: the first by preference that can run and is not in quarantine.
  ///
  /// - Throws: `KernelError.noVariant` with every variant's reason.
  public func choose<Op: Dispatchable>(_ op: Op) throws(KernelError) -> Variant<Op> {
    var reasons: [String] = []
    for variant in op.orderedVariants(on: device.info) {
      if let reason = variant.unavailable(op, on: device.info) {
        reasons.append("\(variant.name): \(reason)")
      } else if let entry = quarantine.entry(
        Op.name, variant: variant.name, hash: shaderHash(variant), device: device.info)
      {
        reasons.append("\(variant.name): in quarantine, \(entry.reason)")
      } else {
        return variant
      }
    }
    throw .noVariant(op: op.description, device: device.info.name, reasons: reasons)
  }

  /// The variant of that name.
  ///
  /// - Throws: `KernelError.unknownVariant`, or `noVariant` if it cannot run `op` here.
  public func variant<Op: Dispatchable>(_ name: String, of op: Op) throws(KernelError) -> Variant<Op> {
    guard let variant = Op.variants.first(where: { $0.name == name }) else {
      throw .unknownVariant(Op.name, name, known: Op.variants.map(\.name))
    }
    if let reason = variant.unavailable(op, on: device.info) {
      throw .noVariant(op: op.description, device: device.info.name, reasons: ["\(name): \(reason)"])
    }
    return variant
  }

  /// Records the dispatches of `op` into `list`.
  ///
  /// - Parameters:
  ///   - arguments: every argument of the operator by name, each at least as large as its bytes in whole 32-bit words and
  ///     aligned as its `Argument` says.
  ///   - variant: the variant to use; the chosen one if nil.
  /// - Throws: `OperatorError` for impossible parameters, `KernelError` for wrong arguments or no usable variant,
  ///   `GPUError` from the device.
  public func record<Op: Dispatchable>(
    _ op: Op, _ arguments: [String: BufferSlice], into list: CommandList, variant: Variant<Op>? = nil
  ) throws {
    try op.validate()
    let variant = try variant ?? choose(op)
    let wanted = op.arguments
    for argument in wanted {
      guard let slice = arguments[argument.name] else {
        throw KernelError.missingArgument(op.description, argument.name)
      }
      guard slice.byteCount >= (argument.byteCount + 3) & ~3 else {
        throw KernelError.smallArgument(op.description, argument.name, needs: argument.byteCount, has: slice.byteCount)
      }
      guard slice.address % UInt64(argument.alignment) == 0 else {
        throw KernelError.misalignedArgument(
          op.description, argument.name, address: slice.address, alignment: argument.alignment)
      }
    }
    if let extra = arguments.keys.first(where: { name in !wanted.contains { $0.name == name } }) {
      throw KernelError.extraArgument(op.description, extra)
    }
    let plan = variant.plan(op, device.info)
    let scratch = try scratchSlices(plan.scratch)
    let cost = op.flops / Double(max(1, plan.steps.count))
    for step in plan.steps {
      let buffers = try step.bindings.map { binding -> (BufferSlice, Access) in
        switch binding {
        case .argument(let name):
          switch op.argument(name).role {
          case .input: (arguments[name]!, .read)
          case .output: (arguments[name]!, .write)
          case .inout: (arguments[name]!, .readWrite)
          }
        case .scratch(let index, let access): (scratch[index], access)
        case .table(let table): (try slice(of: table), .read)
        }
      }
      try list.dispatch(
        pipeline(step), buffers: buffers, constants: step.constants.map(\.value), groups: step.groups,
        label: "\(op.description) \(variant.name)", cost: cost)
    }
  }

  /// The pipeline of one step, from memory or newly made.
  ///
  /// - Throws: `KernelError.userExpression` if a mask or score function of the user's does not compile; `GPUError`.
  public func pipeline(_ step: Step) throws -> Pipeline {
    let key = PipelineKey(
      shader: step.shader, defines: step.defines, generated: step.generated, specialization: step.specialization,
      buffers: step.bindings.count, constants: step.constants.count, subgroupSize: step.subgroupSize)
    if let known = state.withLock({ $0.pipelines[key] }) { return known }
    let pipeline: Pipeline
    do {
      pipeline = try device.pipeline(description(of: step))
    } catch let error as GPUError {
      guard let (function, message) = UserExpression.complaint(in: error) else { throw error }
      throw KernelError.userExpression(function, message: message)
    }
    state.withLock { $0.pipelines[key] = pipeline }
    return pipeline
  }

  /// The pipeline of one step as a value: its shader's text and everything that it is specialized with.
  public func description(of step: Step) throws -> PipelineDescription {
    let text = try ShaderLibrary.resolved(step.shader, generated: step.generated, overrides: overrides)
    return PipelineDescription(
      source: ShaderSource(name: step.shader, text: text, defines: step.defines), specialization: step.specialization,
      bufferCount: step.bindings.count, constantBytes: 4 * step.constants.count,
      subgroupSize: device.info.canChooseSubgroupSize ? step.subgroupSize : nil,
      requireFullSubgroups: device.info.canChooseSubgroupSize && step.subgroupSize != nil)
  }

  /// A hash over the text of all shaders of a variant, includes resolved: what quarantine is tied to.
  public func shaderHash<Op>(_ variant: Variant<Op>) -> String {
    let key = HashKey(shaders: variant.shaders, generated: variant.generated)
    if let known = state.withLock({ $0.hashes[key] }) { return known }
    let texts = variant.shaders.map {
      (try? ShaderLibrary.resolved($0, generated: variant.generated, overrides: overrides)) ?? $0
    }
    let hash = stableHash(texts.joined(separator: "\0"))
    state.withLock { $0.hashes[key] = hash }
    return hash
  }

  /// Sets every word of the scratch memory, so that a variant that reads what it has not written is found out.
  public func poisonScratch(word: UInt32) throws(GPUError) {
    try state.withLock({ $0.scratch })?.fill(word: word)
  }

  /// A table that weights are decoded with, written when it is first asked for.
  private func slice(of table: WeightTable) throws -> BufferSlice {
    var buffer = state.withLock { $0.tables[table] }
    if buffer == nil {
      let words = table.words
      let made = try device.makeBuffer(byteCount: 4 * words.count, label: "\(table)")
      try made.write(words)
      state.withLock { $0.tables[table] = made }
      buffer = made
    }
    return try buffer!.slice(offset: 0, byteCount: buffer!.byteCount)
  }

  /// Slices of the one scratch buffer, which grows as needed. Steps on one queue run in order, so operators can share it.
  private func scratchSlices(_ sizes: [Int]) throws -> [BufferSlice] {
    guard !sizes.isEmpty else { return [] }
    let aligned = sizes.map { ($0 + 255) & ~255 }
    let total = aligned.reduce(0, +)
    var current = state.withLock { $0.scratch }
    if current == nil || current!.byteCount < total {
      current = try device.makeBuffer(byteCount: total, memory: .device, label: "scratch")
      let grown = current
      state.withLock { $0.scratch = grown }
    }
    var offset = 0
    return try zip(sizes, aligned).map { size, step in
      defer { offset += step }
      return try current!.slice(offset: offset, byteCount: size)
    }
  }
}

/// A 64-bit FNV-1a hash in hexadecimal: the same in every process, unlike `Hasher`.
func stableHash(_ text: String) -> String {
  let hash = text.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  let digits = String(hash, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}

/// Why an operator could not be recorded.
public enum KernelError: Error, CustomStringConvertible {
  case noVariant(op: String, device: String, reasons: [String])
  case unknownVariant(OperatorName, String, known: [String])
  case missingArgument(String, String)
  case extraArgument(String, String)
  case smallArgument(String, String, needs: Int, has: Int)
  case unrepresentable(String, String, value: Float, format: String)
  case misalignedArgument(String, String, address: UInt64, alignment: Int)
  /// A GLSL expression of the user's does not compile; the message is the compiler's, with lines of the expression.
  case userExpression(String, message: String)
  /// The result of a function of the user's has an element that is no number, and no operand has one.
  case notANumber(String, function: String, argument: String, index: Int)

  public var description: String {
    switch self {
    case .noVariant(let op, let device, let reasons):
      "no variant of \(op) can run on \(device): \(reasons.joined(separator: "; "))"
    case .unknownVariant(let name, let variant, let known):
      "\(name.rawValue) has no variant \(variant); it has \(known.joined(separator: ", "))"
    case .missingArgument(let op, let argument): "\(op): argument \(argument) is missing"
    case .extraArgument(let op, let argument): "\(op) takes no argument \(argument)"
    case .smallArgument(let op, let argument, let needs, let has):
      "\(op): argument \(argument) needs \(needs) bytes, its buffer has \(has)"
    case .unrepresentable(let op, let argument, let value, let format):
      "\(op): argument \(argument) is in \(format), which has no \(value)"
    case .misalignedArgument(let op, let argument, let address, let alignment):
      "\(op): argument \(argument) is at address 0x\(String(address, radix: 16)), no multiple of \(alignment)"
    case .userExpression(let function, let message): "the expression of \(function) does not compile: \(message)"
    case .notANumber(let op, let function, let argument, let index):
      "\(op): the function “\(function)” makes scores that are no numbers: element \(index) of \(argument) is NaN"
    }
  }
}
