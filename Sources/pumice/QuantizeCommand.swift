import ArgumentParser
import Foundation
import PumiceModelFiles
import PumiceModels
import PumiceQuantization
import PumiceTensors

/// `pumice quantize`.
struct QuantizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantize",
    abstract: "Writes a model with its weights in another type.",
    discussion: """
      From GGUF to GGUF: \(QuantizationPlan.formats.map(\.name).joined(separator: ", ")).

      From a Hugging Face folder to another: codes with scales for groups, g4:64, g3:128:asym, g2:row; BITS from 1 to 8,
      any multiple of 32, symmetric or with an offset. The layout is MLX's, and where MLX has the width and the group, MLX
      reads it. With g4:auto each weight gets the groups that FineQuant's rule gives it.

      With auto and --budget each weight gets a type of its own, such that the error of all is least.

      Scales are chosen so that the squared error of the weights is least; with --imatrix each column's error counts as
      much as the matrix says. Vectors, norms, routers and the like stay as they are. Where rows are no whole number of
      a type's blocks, the nearest type that fits is taken, and named.

      Examples:
        pumice quantize model-f16.gguf model-q4_k.gguf q4_k --output-tensor-type q6_k
        pumice quantize model-f16.gguf model-3.2.gguf auto --budget 3.2
        pumice quantize Qwen3-0.6B Qwen3-0.6B-3bit g3:64:asym
      """)

  @Argument(help: "The model: a GGUF file or a Hugging Face folder.", completion: .file()) var input: String
  @Argument(help: "The file or the folder to write.", completion: .file()) var output: String
  @Argument(help: "The type of the weights, or auto.") var type: String

  @Option(help: ArgumentHelp("GGUF: another type for the token embedding.", valueName: "type"))
  var tokenEmbeddingType: String?

  @Option(help: ArgumentHelp("GGUF: another type for the output matrix.", valueName: "type"))
  var outputTensorType: String?

  @Option(
    help: ArgumentHelp("GGUF: weights of the errors, an importance matrix of llama.cpp in GGUF.", valueName: "file"),
    completion: .file(extensions: ["gguf"]))
  var imatrix: String?

  @Option(help: ArgumentHelp("With the type auto: bits per weight of the weights together.", valueName: "bits"))
  var budget: Double?

  func validate() throws {
    if (type == "auto") != (budget != nil) {
      throw ValidationError("The type auto and --budget belong together.")
    }
    if let budget, !(budget > 0 && budget <= 32) {
      throw ValidationError("--budget \(budget): must be above 0, at most 32.")
    }
  }

  func run() throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: input, isDirectory: &isFolder), isFolder.boolValue else {
      return try quantizeFile()
    }
    try quantizeFolder()
  }

  // MARK: GGUF

  private func quantizeFile() throws {
    let file = try GGUFFile(path: input)
    guard !isSameFile(input, output) else {
      throw InputError("\(output) is the input; it is read while the output is written, so choose another name")
    }
    let importance = try imatrix.map { try ImportanceMatrix(try GGUFFile(path: $0)) }
    let start = ContinuousClock.now
    var request = QuantizationPlan.Request(
      .f16, tokenEmbedding: try tokenEmbeddingType.map(blockFormat), output: try outputTensorType.map(blockFormat))
    if let budget {
      let allocation = try withProgress { progress in
        try QuantizationPlan.allocation(file, budget: budget, importance: importance, progress: progress)
      }
      for tensor in file.tensors {
        if let format = allocation.formats[tensor.name] { note("\(tensor.name): \(format)") }
      }
      note("\(fixed(allocation.bitsPerWeight, 3)) bits per weight\(allocation.isOptimal ? "" : ", near the optimum")")
      request.chosen = allocation.formats
    } else {
      request.type = try blockFormat(type)
    }
    let plan = try QuantizationPlan(file, request)
    let quantizer = try ModelQuantizer(file, plan, importance: importance)
    for entry in plan.entries { if let remark = entry.remark { note("\(entry.tensor.name): \(remark)") } }
    let unknown = quantizer.unknownToImportance
    if !unknown.isEmpty {
      note("\(imatrix ?? "") knows nothing about \(unknown.count) weights: \(unknown.joined(separator: ", "))")
    }
    try withProgress { try quantizer.write(to: output, progress: $0) }
    report(
      before: file.tensors.reduce(0) { $0 + $1.byteCount }, after: quantizer.byteCount,
      parameters: file.tensors.reduce(0) { $0 + $1.shape.count }, since: start)
  }

  /// A GGUF type by its name in any case.
  private func blockFormat(_ name: String) throws -> TensorFormat {
    guard let format = TensorFormat(name: name.lowercased()), QuantizationPlan.formats.contains(format) else {
      throw ValidationError(
        "\(name) is no type of GGUF files that there is an encoder for. Types are "
          + "\(QuantizationPlan.formats.map(\.name).joined(separator: ", ")).")
    }
    return format
  }

  // MARK: Folders

  private func quantizeFolder() throws {
    if imatrix != nil || tokenEmbeddingType != nil || outputTensorType != nil {
      throw ValidationError("--imatrix, --token-embedding-type and --output-tensor-type are for GGUF files.")
    }
    let file = try SafetensorsFile(path: input)
    let start = ContinuousClock.now
    let quantizer = try FolderQuantizer(folder: input, file, folderPlan(file))
    for entry in quantizer.plan.entries { if let remark = entry.remark { note("\(entry.tensor.name): \(remark)") } }
    try withProgress { try quantizer.write(to: output, progress: $0) }
    if !quantizer.plan.isMLX {
      note("MLX has no such width or group: pumice_version 1 in config.json marks the extension")
    }
    report(
      before: file.tensors.reduce(0) { $0 + $1.byteCount }, after: quantizer.plan.byteCount,
      parameters: file.tensors.reduce(0) { $0 + $1.shape.count }, since: start)
  }

  private func folderPlan(_ file: SafetensorsFile) throws -> FolderPlan {
    if let budget {
      let allocation = try withProgress { progress in
        try FolderPlan.allocation(file, budget: budget, progress: progress)
      }
      note("\(fixed(allocation.bitsPerWeight, 3)) bits per weight\(allocation.isOptimal ? "" : ", near the optimum")")
      return FolderPlan(file, FolderPlan.budgetFormats[0]) { tensor in
        if let format = allocation.formats[tensor.name] { note("\(tensor.name): \(format.name)") }
        return allocation.formats[tensor.name]
      }
    }
    let isAdaptive = type.contains(":auto")
    guard
      case .group(let format)? = TensorFormat(
        name: isAdaptive ? type.replacingOccurrences(of: ":auto", with: ":64") : type)
    else {
      throw ValidationError(
        "\(type) is no type that folders are written in: g and 1 to 8 bits, then the length of groups, row or auto, then "
          + "perhaps asym, and f16, bf16 or f32 for the scales: g4:64, g3:128:asym.")
    }
    return FolderPlan(file, format) { tensor in
      guard isAdaptive else { return nil }
      let chosen = FolderPlan.adaptive(tensor, of: file, format)
      if let chosen { note("\(tensor.name): \(chosen.name)") }
      return chosen
    }
  }

  // MARK: Both

  private func withProgress<R>(_ body: (@escaping (String, Double) throws -> Void) throws -> R) throws -> R {
    let bar = ProgressBar()
    defer { bar.clear() }
    Interruption.watch()
    return try body { tensor, share in
      if Interruption.wasRequested { throw InputError("interrupted") }
      bar.show(share, tensor)
    }
  }

  private func report(before: Int, after: Int, parameters: Int, since start: ContinuousClock.Instant) {
    print(
      "\(output): \(readable(bytes: after)), \(fixed(Double(after) * 8 / Double(max(parameters, 1)), 2)) bits per weight "
        + "(from \(readable(bytes: before))) in \(fixed((ContinuousClock.now - start) / .seconds(1), 1)) s")
  }
}

/// Whether two paths name one file that exists.
func isSameFile(_ path: String, _ other: String) -> Bool {
  func identity(_ path: String) -> [Int]? {
    // Follows links, as opening does.
    let resolved = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    guard let attributes = try? FileManager.default.attributesOfItem(atPath: resolved) else { return nil }
    return [.systemNumber, .systemFileNumber].compactMap { attributes[$0] as? Int }
  }
  guard let first = identity(path), let second = identity(other) else { return false }
  return first == second
}
