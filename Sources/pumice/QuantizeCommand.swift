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
      GGUF files are written in \(QuantizationPlan.formats.map(\.name).joined(separator: ", ")).

      Hugging Face folders are written in codes with scales for groups, g4:64, g3:128:asym, g2:row; BITS from 1 to 8, any
      multiple of 32, symmetric or with an offset. The layout is MLX's, and where MLX has the width and the group, MLX
      reads it. With g4:auto each weight gets the groups that FineQuant's rule gives it. Also normal floats (nf4:64, nf2 and
      nf3, with quantized scales nf4:64:q8:256:f32), palettes (palette3, palette4:rows16, of pairs palette4:pairs), DGQ's two
      grains (dgq:128), and ABQ's bit balance (g2b:64: the five levels -2 to 2, stored in 3 bits).

      The type decides which is written, whichever was read. Models of the Llama architecture are converted, with their
      tokenizers; folders that are quantized in MLX's, GPTQ's or AWQ's layout are decoded for it.

      With auto and --budget each weight gets a type of its own, such that the error of all is least; for folders auto:nf
      chooses among normal floats with quantized scales, as LQ-LoRA does.

      Scales are chosen so that the squared error of the weights is least; with --imatrix each column's error counts as
      much as the matrix says. Vectors, norms, routers and the like stay as they are. Where rows are no whole number of
      a type's blocks, the nearest type that fits is taken, and named.

      Examples:
        pumice quantize model-f16.gguf model-q4_k.gguf q4_k --output-tensor-type q6_k
        pumice quantize model-f16.gguf model-3.2.gguf auto --budget 3.2
        pumice quantize Qwen3-0.6B Qwen3-0.6B-3bit g3:64:asym
        pumice quantize model-f16.gguf model-3bit g3:64
        pumice quantize Llama-3.2-1B-GPTQ llama.gguf q4_k
        pumice quantize Llama-3.2-1B Llama-3.2-1B-nf2 nf2:64 --loftq-rank 16
      """)

  @Argument(help: "The model: a GGUF file or a Hugging Face folder.", completion: .file()) var input: String
  @Argument(help: "The file or the folder to write.", completion: .file()) var output: String
  @Argument(help: "The type of the weights, or auto.") var type: String

  @Option(help: ArgumentHelp("GGUF: another type for the token embedding.", valueName: "type"))
  var tokenEmbeddingType: String?

  @Option(help: ArgumentHelp("GGUF: another type for the output matrix.", valueName: "type"))
  var outputTensorType: String?

  @Option(
    help: ArgumentHelp("Weights of the errors, an importance matrix of llama.cpp in GGUF.", valueName: "file"),
    completion: .file(extensions: ["gguf"]))
  var imatrix: String?

  @Option(help: ArgumentHelp("With the type auto: bits per weight of the weights together.", valueName: "bits"))
  var budget: Double?

  @Option(
    name: .customLong("loftq-rank"),
    help: ArgumentHelp(
      "Folders: split weights into codes and a low-rank pair, as LoftQ does, and write the pairs as a PEFT adapter.",
      valueName: "rank"))
  var loftqRank: Int?

  func validate() throws {
    if ["auto", "auto:nf"].contains(type) != (budget != nil) {
      throw ValidationError("The type auto and --budget belong together.")
    }
    if let budget, !(budget > 0 && budget <= 32) {
      throw ValidationError("--budget \(budget): must be above 0, at most 32.")
    }
    if let loftqRank, !(1...4096 ~= loftqRank) {
      throw ValidationError("--loftq-rank \(loftqRank): must be from 1 to 4096.")
    }
  }

  func run() throws {
    var isFolder: ObjCBool = false
    let readsFolder = FileManager.default.fileExists(atPath: input, isDirectory: &isFolder) && isFolder.boolValue
    guard !isSameFile(input, output) else {
      throw InputError("\(output) is the input; it is read while the output is written, so choose another name")
    }
    if try writesFolder(readsFolder: readsFolder) {
      if tokenEmbeddingType != nil || outputTensorType != nil {
        throw ValidationError("--token-embedding-type and --output-tensor-type are for GGUF files.")
      }
      try readsFolder ? quantizeFolder() : convertToFolder()
    } else {
      if loftqRank != nil { throw ValidationError("--loftq-rank is for folders.") }
      if readsFolder {
        try quantizeFile(FolderAsGGUF(folder: input), bytes: bytes(SafetensorsFile(path: input)))
      } else {
        let file = try GGUFFile(path: input)
        try quantizeFile(file, bytes: bytes(file))
      }
    }
  }

  /// Whether the type is one of folders. `auto` without more is for what was read, unless the name of the output ends as
  /// those of GGUF files.
  private func writesFolder(readsFolder: Bool) throws -> Bool {
    switch type {
    case "auto": return readsFolder && !output.hasSuffix(".gguf")
    case "auto:nf": return true
    default:
      if let format = TensorFormat(name: type.lowercased()), QuantizationPlan.formats.contains(format) { return false }
      let name = type.replacingOccurrences(of: ":auto", with: ":64")
      if let encoding = WeightEncoding(name: name), SectionEncoder.supports(encoding.format) { return true }
      throw ValidationError(
        "\(type) is no type that there is an encoder for. Types of GGUF files are "
          + "\(QuantizationPlan.formats.map(\.name).joined(separator: ", ")); of folders g and 1 to 8 bits, then the "
          + "length of groups, row or auto, then perhaps asym, and f16, bf16 or f32 for the scales: g4:64, "
          + "g3:128:asym; g2b:64, nf4:64, palette3, palette4:pairs, dgq:128.")
    }
  }

  private func importanceMatrix() throws -> ImportanceMatrix? {
    try imatrix.map { try ImportanceMatrix(try GGUFFile(path: $0)) }
  }

  private func bytes(_ file: any GGUFSource) -> Int { file.tensors.reduce(0) { $0 + $1.byteCount } }

  private func bytes(_ file: SafetensorsFile) -> Int { file.tensors.reduce(0) { $0 + $1.byteCount } }

  private func noteUnknown(_ names: [String]) {
    if names.isEmpty { return }
    note("\(imatrix ?? "") knows nothing about \(names.count) weights: \(names.joined(separator: ", "))")
  }

  // MARK: GGUF

  private func quantizeFile(_ file: any GGUFSource, bytes: Int) throws {
    let importance = try importanceMatrix()
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
    noteUnknown(quantizer.unknownToImportance)
    try withProgress { try quantizer.write(to: output, progress: $0) }
    report(
      before: bytes, after: quantizer.byteCount, parameters: file.tensors.reduce(0) { $0 + $1.shape.count },
      since: start)
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
    let file = try SafetensorsFile(path: input)
    try write(file, bytes: bytes(file)) { try FolderQuantizer(folder: input, file, $0, $1) }
  }

  private func convertToFolder() throws {
    let stored = try GGUFFile(path: input), file = try GGUFAsFolder(stored)
    try write(file, bytes: bytes(stored)) { try FolderQuantizer(file, $0, $1) }
  }

  private func write(
    _ file: any SafetensorsTensors, bytes: Int,
    _ make: (FolderPlan, FolderQuantizer.Options) throws -> FolderQuantizer
  ) throws {
    let importance = try importanceMatrix(), start = ContinuousClock.now
    let quantizer = try make(folderPlan(file, importance), .init(importance: importance, rank: loftqRank))
    for entry in quantizer.plan.entries { if let remark = entry.remark { note("\(entry.tensor.name): \(remark)") } }
    noteUnknown(quantizer.unknownToImportance)
    try withProgress { try quantizer.write(to: output, progress: $0) }
    if !quantizer.plan.isMLX {
      note("MLX does not read this: pumice_version 1 in config.json marks Pumice's extension")
    }
    report(
      before: bytes, after: quantizer.plan.byteCount, parameters: file.tensors.reduce(0) { $0 + $1.shape.count },
      since: start)
  }

  private func folderPlan(_ file: any SafetensorsTensors, _ importance: ImportanceMatrix?) throws -> FolderPlan {
    if let budget {
      let formats = type == "auto" ? FolderPlan.budgetFormats : FolderPlan.normalFloatFormats
      let allocation = try withProgress { progress in
        try FolderPlan.allocation(
          file, budget: budget, formats: formats, importance: importance, progress: progress)
      }
      note("\(fixed(allocation.bitsPerWeight, 3)) bits per weight\(allocation.isOptimal ? "" : ", near the optimum")")
      return try FolderPlan(file, formats[0]) { tensor in
        if let format = allocation.formats[tensor.name] { note("\(tensor.name): \(format)") }
        return allocation.formats[tensor.name]
      }
    }
    let isAdaptive = type.contains(":auto")
    let encoding = WeightEncoding(name: type.replacingOccurrences(of: ":auto", with: ":64"))!
    guard isAdaptive else { return try FolderPlan(file, encoding.format, isBalanced: encoding.isBalanced) }
    guard case .group(let group) = encoding.format else {
      throw ValidationError("\(type): only groups have a length to choose.")
    }
    return try FolderPlan(file, encoding.format, isBalanced: encoding.isBalanced) { tensor in
      let chosen = FolderPlan.adaptive(tensor, of: file, group)
      if let chosen { note("\(tensor.name): \(chosen)") }
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
