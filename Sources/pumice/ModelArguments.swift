import ArgumentParser
import Foundation
import PumiceGPU
import PumiceHub
import PumiceKernels
import PumiceModelFiles
import PumiceModels
import PumiceQuantization
import PumiceTensors

/// Where a model runs.
enum BackendChoice: String, CaseIterable, ExpressibleByArgument {
  /// On a device.
  case vulkan
  /// On the CPU, in float64, by the definitions of the operators.
  case reference
}

/// Opens a GGUF file, a Hugging Face folder, or a model of a hub, which is fetched if it is not here.
func openModel(_ path: String) throws -> any GGUFSource {
  guard path.hasPrefix(HubReference.prefix) else { return try ModelSource.open(path: path) }
  return try ModelSource.open(path: try pull(try HubReference(path)).location.path)
}

/// Which model file to use.
struct ModelFileArguments: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      """
      The model: a GGUF file, a Hugging Face folder, or hf:OWNER/NAME[:QUANTIZATION] to fetch one. Default: the built-in demo \
      model.
      """, valueName: "model"),
    completion: .file(extensions: ["gguf"]))
  var positional: String?

  @Option(
    name: [.customShort("m"), .customLong("model")],
    help: ArgumentHelp("The same as the argument.", valueName: "file"), completion: .file(extensions: ["gguf"]))
  var option: String?

  func validate() throws {
    if let path, path.hasPrefix(HubReference.prefix) { try requireReference(path) }
    if positional != nil, option != nil { throw ValidationError("Give the model once: as the argument or with -m.") }
  }

  /// The path; nil for the demo model.
  var path: String? { positional ?? option }

  func open() throws -> any GGUFSource {
    guard let path else { return try DemoModel.open() }
    return try openModel(path)
  }
}

/// What attention sees, and what of it is kept and how.
struct CacheArguments: ParsableArguments {
  @Option(
    name: [.customLong("ub", withSingleDash: true), .customLong("ubatch-size")],
    help: ArgumentHelp("Tokens of the prompt that are processed at once.", valueName: "tokens"))
  var chunk = 512

  @Option(
    name: [.customLong("ctk", withSingleDash: true), .customLong("cache-type-k")],
    help: ArgumentHelp(
      """
      How keys are cached: f32, f16, bf16, q8_0, q5_1, q5_0, q4_1, q4_0, iq4_nl, or groups and tables such as g4:32, \
      g3:64:asym, nf4:64. (default: f16)
      """, valueName: "format"))
  var keyFormat: TensorFormat?

  @Option(
    name: [.customLong("ctv", withSingleDash: true), .customLong("cache-type-v")],
    help: ArgumentHelp("How values are cached, in the same formats. (default: as the keys)", valueName: "format"))
  var valueFormat: TensorFormat?

  @Option(
    help: ArgumentHelp(
      """
      What attention sees, as pumice mask shows it: 'causal & (sinks(4) | window(256))', also by layers and heads: \
      'layers 0-3: causal; heads 2,5: causal & window(64)'. Where sinks and a window are all that a layer sees, its cache \
      keeps no more; where this holds of all layers, the text may be longer than the context. (default: causal)
      """, valueName: "mask"))
  var mask: String?

  @Option(
    help: ArgumentHelp(
      """
      Masks and cache formats of layers and heads, from a JSON file made for this model. --mask adds rules to it; -ctk and \
      -ctv hold where it says nothing.
      """, valueName: "file"), completion: .file(extensions: ["json"]))
  var plan: String?

  func validate() throws {
    if chunk < 1 { throw ValidationError("-ub \(chunk): there must be at least 1 token.") }
  }

  /// - Parameters:
  ///   - context: nil for the model's, at most the default one.
  ///   - defaultFormat: that of keys and values when no option says it.
  /// - Throws: `MaskSyntaxError`, `AttentionPlanError`.
  func options(
    for configuration: ModelConfiguration, of file: any GGUFSource, context: Int?, defaultFormat: TensorFormat = .f16
  ) throws -> SessionOptions {
    let plan = try self.plan.map { try AttentionPlan(path: $0) }
    try plan?.validate(for: ModelHash(file), configuration)
    let rules = try mask.map { try MaskPlan(parsing: $0).rules }
    return SessionOptions(
      context: context ?? min(configuration.contextLength, SessionOptions.defaultContext), chunk: chunk,
      keyFormat: keyFormat ?? defaultFormat, valueFormat: valueFormat ?? keyFormat ?? defaultFormat,
      cacheRules: plan?.cache ?? [], masks: MaskPlan((plan?.masks.rules ?? []) + (rules ?? [])))
  }
}

/// How a model is run.
struct SessionArguments: ParsableArguments {
  @Option(help: "Where to compute: vulkan (a device) or reference (the CPU in float64; slow, the measure of the rest).")
  var backend = BackendChoice.vulkan

  @Option(
    name: [.customShort("c"), .customLong("ctx-size")],
    help: ArgumentHelp(
      "Tokens of context, prompt and answer together. Default: the model's, at most \(SessionOptions.defaultContext).",
      valueName: "tokens"))
  var context: Int?

  @OptionGroup var cache: CacheArguments

  @Option(
    name: .customLong("weights"),
    help: ArgumentHelp(
      """
      Encode all matrices in this format as they are loaded, to try what it does to the model: any that quantize writes, \
      and nf4:64, palette3, palette4:pairs, dgq:128, g2b:64 (five levels) and the like. The file stays as it is.
      """, valueName: "format"))
  var weightEncoding: WeightEncoding?

  func validate() throws {
    if let context, context < 1 { throw ValidationError("-c \(context): the context must have at least 1 token.") }
  }

  /// - Parameter defaultFormat: that of keys and values when no option says it.
  /// - Throws: `MaskSyntaxError`, `AttentionPlanError`.
  func options(
    for configuration: ModelConfiguration, of file: any GGUFSource, defaultFormat: TensorFormat = .f16,
    keepsAllLogits: Bool = false
  ) throws -> SessionOptions {
    var options = try cache.options(for: configuration, of: file, context: context, defaultFormat: defaultFormat)
    options.weightEncoding = weightEncoding
    options.keepsAllLogits = keepsAllLogits
    return options
  }

  /// Loads a model.
  ///
  /// - Parameter promptTokens: how many tokens a device is to be warmed up for.
  func load(
    _ tensors: ModelTensors, of file: any GGUFSource, on device: DeviceArguments, _ options: SessionOptions,
    promptTokens: Int = 0
  ) throws -> LoadedModel {
    let start = ContinuousClock.now
    let progress = LoadingLine(file.path)
    defer { progress.clear() }
    func session<B: Backend>(_ backend: B, vulkan: Device? = nil) throws -> LoadedModel {
      let session = try ModelSession(
        tensors, on: backend, options: options, modelName: file.path, progress: progress.show)
      if self.backend == .vulkan { try session.warmUp(tokens: promptTokens) }
      return LoadedModel(
        session: session, device: backend.name, driver: backend.driver, vulkan: vulkan,
        loadSeconds: (ContinuousClock.now - start) / .seconds(1))
    }
    switch backend {
    case .reference:
      if device.device != nil {
        throw ValidationError("--device chooses a Vulkan device; --backend reference uses none.")
      }
      return try session(ReferenceBackend())
    case .vulkan:
      let vulkan = try device.open()
      return try session(VulkanBackend(device.kernels(vulkan)), vulkan: vulkan)
    }
  }
}

/// A model ready to run.
struct LoadedModel {
  let session: any Session
  let device: String
  let driver: String?
  /// Nil on the reference backend.
  let vulkan: Device?
  let loadSeconds: Double

  /// `llvmpipe (…), llvmpipe Mesa 22.3.6`
  var place: String { [device, driver].compactMap { $0 }.joined(separator: ", ") }

  /// Fails if the validation layer or a guard gap reported anything while the model ran.
  func checkValidation() throws {
    if let vulkan { try pumice.checkValidation(of: vulkan) }
  }
}

/// Shows how far loading is, on a terminal, once it takes long enough to wonder.
final class LoadingLine {
  private var line = ProgressLine()
  private let name: String

  init(_ path: String) { name = URL(fileURLWithPath: path).lastPathComponent }

  func show(_ share: Double) { line.show("loading \(name): \(Int(share * 100)) %") }
  func clear() { line.clear() }
}
