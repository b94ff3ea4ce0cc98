import ArgumentParser
import PumiceGPU
import PumiceModelFiles
import PumiceModels
import PumiceTensors
import PumiceVerification

/// `pumice inspect`.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Shows what is in a model file, what memory it needs, and how fast a device may run it.",
    discussion: """
      Works for every GGUF file, also for models that cannot be run; it then says why. Of a Hugging Face folder it shows what
      the GGUF file would be. Memory is that of a session with these options. How many tokens a second it may write at most \
      is what the device's bandwidth and arithmetic allow, which are measured once and remembered.

      Example: pumice inspect model.gguf -c 2048 -ctk q8_0 -ctv q4_0
      """)

  @OptionGroup var model: ModelFileArguments

  @Option(
    name: [.customShort("c"), .customLong("ctx-size")],
    help: ArgumentHelp("The context to estimate memory for.", valueName: "tokens"))
  var context: Int?

  @OptionGroup(title: "Cache") var cache: CacheArguments
  @OptionGroup var device: DeviceArguments

  @Flag(help: "Use no device, and so estimate no speed.")
  var noEstimate = false

  @Flag(help: "Print JSON, with every element of every array.")
  var json = false

  func validate() throws {
    if let context, context < 1 { throw ValidationError("-c \(context): the context must have at least 1 token.") }
  }

  func run() throws {
    let file = try model.open()
    var report = try InspectionReport(file) { try cache.options(for: $0, of: file, context: context) }
    if !noEstimate, report.memory != nil {
      do { try report.estimate(on: device.open()) } catch let error as GPUError where device.device == nil {
        // A file can be looked at where there is no device.
        note("no estimate of the speed: \(error)")
      }
    }
    if json { try printCompactJSON(report) } else { report.show() }
  }
}

/// What `pumice inspect` says of a file.
struct InspectionReport: Encodable {
  struct Tensor: Encodable {
    var name: String
    var shape: [Int]
    var type: String
    var bytes: Int
  }

  struct Memory: Encodable {
    var context: Int
    var weights: Int
    var cache: Int
    var state: Int
    var activations: Int
    var total: Int
  }

  var path: String
  /// Of the format of GGUF; nil for a folder.
  var version: Int?
  /// What an attention plan for this model carries.
  var modelHash: String
  var metadata: [String: MetadataValue] = [:]
  var tensors: [Tensor] = []
  var parameters = 0
  var bytes = 0
  var bitsPerWeight = 0.0
  /// Bytes of tensors by type.
  var types: [String: Int] = [:]
  /// What it takes to run on a device; nil if it cannot be run.
  var memory: Memory?
  /// Why it cannot be run; nil if it can.
  var problem: String?
  /// How fast it may write at most; nil where nothing is measured.
  var estimate: Estimate?

  struct Estimate: Encodable {
    var device: String
    var driver: String
    var bandwidth: Double
    var peak: Double
    /// Of the first token.
    var bytesPerToken: Double
    var flopsPerToken: Double
    var tokensPerSecond: Double
    /// At the end of the context.
    var tokensPerSecondAtEnd: Double

    enum CodingKeys: String, CodingKey {
      case device, driver
      case bandwidth = "gb_per_s"
      case peak = "gflops"
      case bytesPerToken = "bytes_per_token"
      case flopsPerToken = "flops_per_token"
      case tokensPerSecond = "tokens_per_s"
      case tokensPerSecondAtEnd = "tokens_per_s_at_end"
    }
  }

  /// What the first and the last token of the context cost; nil for what writes none.
  private var costs: (first: DecodeCost, last: DecodeCost)?

  private enum CodingKeys: CodingKey {
    case path, version, modelHash, metadata, tensors, parameters, bytes, bitsPerWeight, types, memory, problem, estimate
  }

  /// - Parameter session: gives the options of the session whose memory is estimated.
  /// - Throws: what `session` does.
  init(_ file: any GGUFSource, session: (ModelConfiguration) throws -> SessionOptions) throws {
    path = file.path
    version = (file as? GGUFFile)?.version
    modelHash = ModelHash(file).description
    for (key, value) in file.metadata { metadata[key] = MetadataValue(value: value) }
    for tensor in file.tensors {
      let (type, size) = file.stored(tensor)
      tensors.append(Tensor(name: tensor.name, shape: tensor.shape.dimensions, type: type, bytes: size))
      parameters += tensor.shape.count
      bytes += size
      types[type, default: 0] += size
    }
    bitsPerWeight = parameters > 0 ? Double(bytes) * 8 / Double(parameters) : 0
    let tensors: ModelTensors
    do { tensors = try ModelTensors(file, ModelConfiguration(file)) } catch {
      problem = "\(error)"
      return
    }
    let options = try session(tensors.configuration)
    do {
      let estimate = try tensors.memory(options)
      memory = Memory(
        context: options.context, weights: estimate.weights, cache: estimate.cache, state: estimate.state,
        activations: estimate.activations, total: estimate.total)
      if let first = try tensors.decodeCost(options, after: 0),
        let last = try tensors.decodeCost(options, after: options.context - 1)
      {
        costs = (first, last)
      }
    } catch {
      problem = "\(error)"
    }
  }

  /// Estimates the speed from what the device can do, which is measured the first time.
  mutating func estimate(on device: Device) throws {
    guard let costs else { return }
    let limits = try DeviceLimits.remembered(device)
    func rate(_ cost: DecodeCost) -> Double {
      cost.tokensPerSecond(bandwidth: limits.copyGBPerSecond * 1e9, peak: limits.peakGFLOPs * 1e9)
    }
    estimate = Estimate(
      device: device.info.name, driver: "\(device.info.driverName) \(device.info.driverInfo)",
      bandwidth: limits.copyGBPerSecond, peak: limits.peakGFLOPs, bytesPerToken: costs.first.bytes,
      flopsPerToken: costs.first.flops, tokensPerSecond: rate(costs.first), tokensPerSecondAtEnd: rate(costs.last))
  }

  func show() {
    let kind = version.map { "GGUF version \($0)" } ?? "folder"
    print("\(path): \(kind), \(metadata.count) keys, \(tensors.count) tensors")
    print("")
    for key in metadata.keys.sorted() { print("\(key) = \(metadata[key]!.summary)") }
    print("")
    printTable(
      ["tensor", "shape", "type", "size"],
      tensors.map { [$0.name, Shape($0.shape).description, $0.type, readable(bytes: $0.bytes)] })
    print("")
    let shares = types.keys.sorted().map { "\($0) \(readable(bytes: types[$0]!))" }.joined(separator: ", ")
    print("model hash \(modelHash)")
    print("\(parameters) parameters, \(readable(bytes: bytes)) (\(shares)), \(fixed(bitsPerWeight, 2)) bits per weight")
    if let memory {
      let state = memory.state == 0 ? "" : "recurrent state \(readable(bytes: memory.state)), "
      print(
        "memory for a context of \(memory.context): \(readable(bytes: memory.total)) (weights "
          + "\(readable(bytes: memory.weights)), cache \(readable(bytes: memory.cache)), \(state)activations "
          + "\(readable(bytes: memory.activations)))")
    }
    if let estimate, let memory {
      print(
        "at most \(fixed(estimate.tokensPerSecond, 1)) tokens/s on \(estimate.device), "
          + "\(fixed(estimate.tokensPerSecondAtEnd, 1)) after \(memory.context) tokens "
          + "(\(fixed(estimate.bandwidth, 1)) GB/s, \(fixed(estimate.peak, 1)) GFLOP/s; "
          + "\(readable(bytes: Int(estimate.bytesPerToken))) a token)")
    }
    if let problem { print("cannot be run: \(problem)") }
  }
}

extension GGUFSource {
  /// What a tensor is stored in, and its bytes. A folder may have formats that are no type of GGUF.
  func stored(_ tensor: GGUFTensor) -> (format: String, bytes: Int) {
    let format = self is GGUFFile ? nil : try? format(of: tensor)
    return (format?.name ?? tensor.type.name, format?.byteCount(tensor.shape) ?? tensor.byteCount)
  }
}

/// A metadata value for print: whole as JSON, shortened for people.
struct MetadataValue: Encodable {
  let value: GGUFValue

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch value {
    case .uint8(let value): try container.encode(value)
    case .int8(let value): try container.encode(value)
    case .uint16(let value): try container.encode(value)
    case .int16(let value): try container.encode(value)
    case .uint32(let value): try container.encode(value)
    case .int32(let value): try container.encode(value)
    case .uint64(let value): try container.encode(value)
    case .int64(let value): try container.encode(value)
    case .float32(let value): try container.encode(value)
    case .float64(let value): try container.encode(value)
    case .bool(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .array(let array): try container.encode(array.elements.map(MetadataValue.init))
    }
  }

  var summary: String {
    switch value {
    case .uint8(let value): "\(value)"
    case .int8(let value): "\(value)"
    case .uint16(let value): "\(value)"
    case .int16(let value): "\(value)"
    case .uint32(let value): "\(value)"
    case .int32(let value): "\(value)"
    case .uint64(let value): "\(value)"
    case .int64(let value): "\(value)"
    case .float32(let value): "\(value)"
    case .float64(let value): "\(value)"
    case .bool(let value): "\(value)"
    case .string(let value): Self.quoted(value)
    case .array(let array):
      "[\(array.elements.prefix(4).map { MetadataValue(value: $0).summary }.joined(separator: ", "))"
        + "\(array.count > 4 ? ", …" : "")] (\(array.count))"
    }
  }

  /// On one line, control characters escaped, and no longer than a terminal is wide.
  private static func quoted(_ text: String) -> String {
    let escaped = text.prefix(80).debugDescription
    return text.count > 80 ? escaped.dropLast() + "…\"" : escaped
  }
}

extension GGUFArray {
  /// The elements as values.
  fileprivate var elements: [GGUFValue] {
    switch self {
    case .uint8(let values): values.map(GGUFValue.uint8)
    case .int8(let values): values.map(GGUFValue.int8)
    case .uint16(let values): values.map(GGUFValue.uint16)
    case .int16(let values): values.map(GGUFValue.int16)
    case .uint32(let values): values.map(GGUFValue.uint32)
    case .int32(let values): values.map(GGUFValue.int32)
    case .uint64(let values): values.map(GGUFValue.uint64)
    case .int64(let values): values.map(GGUFValue.int64)
    case .float32(let values): values.map(GGUFValue.float32)
    case .float64(let values): values.map(GGUFValue.float64)
    case .bool(let values): values.map(GGUFValue.bool)
    case .string(let values): values.map(GGUFValue.string)
    case .array(let values): values.map(GGUFValue.array)
    }
  }
}
