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
    abstract: "Writes a GGUF model with its weights in another type.",
    discussion: """
      Types: \(QuantizationPlan.formats.map(\.name).joined(separator: ", ")).

      Scales are chosen so that the squared error of the weights is least; with --imatrix each column's error counts as
      much as the matrix says. Vectors, norms, routers and the like stay as they are. Where rows are no whole number of
      a type's blocks, the nearest type that fits is taken, and named.

      Example: pumice quantize model-f16.gguf model-q4_k.gguf q4_k --output-tensor-type q6_k
      """)

  @Argument(help: "The model, a GGUF file.", completion: .file(extensions: ["gguf"])) var input: String
  @Argument(help: "The file to write.", completion: .file(extensions: ["gguf"])) var output: String
  @Argument(help: "The type of the weights.") var type: String

  @Option(help: ArgumentHelp("Another type for the token embedding.", valueName: "type"))
  var tokenEmbeddingType: String?

  @Option(help: ArgumentHelp("Another type for the output matrix.", valueName: "type"))
  var outputTensorType: String?

  @Option(
    help: ArgumentHelp("Weights of the errors: an importance matrix of llama.cpp, in GGUF.", valueName: "file"),
    completion: .file(extensions: ["gguf"]))
  var imatrix: String?

  func run() throws {
    let file = try GGUFFile(path: input)
    guard !isSameFile(input, output) else {
      throw InputError("\(output) is the input; it is read while the output is written, so choose another name")
    }
    let request = QuantizationPlan.Request(
      try format(type), tokenEmbedding: try tokenEmbeddingType.map(format), output: try outputTensorType.map(format))
    let plan = try QuantizationPlan(file, request)
    let importance = try imatrix.map { try ImportanceMatrix(try GGUFFile(path: $0)) }
    let quantizer = try ModelQuantizer(file, plan, importance: importance)
    for entry in plan.entries { if let remark = entry.remark { note("\(entry.tensor.name): \(remark)") } }
    let unknown = quantizer.unknownToImportance
    if !unknown.isEmpty {
      note("\(imatrix ?? "") knows nothing about \(unknown.count) weights: \(unknown.joined(separator: ", "))")
    }
    let start = ContinuousClock.now
    var bar = ProgressBar()
    Interruption.watch()
    do {
      try quantizer.write(to: output) { tensor, share in
        if Interruption.wasRequested { throw InputError("interrupted; \(output) is as it was") }
        bar.show(share, tensor)
      }
    } catch {
      bar.clear()
      throw error
    }
    bar.clear()
    let before = file.tensors.reduce(0) { $0 + $1.byteCount }, after = quantizer.byteCount
    let parameters = file.tensors.reduce(0) { $0 + $1.shape.count }
    print(
      "\(output): \(readable(bytes: after)), \(fixed(Double(after) * 8 / Double(max(parameters, 1)), 2)) bits per weight "
        + "(from \(readable(bytes: before))) in \(fixed((ContinuousClock.now - start) / .seconds(1), 1)) s")
  }

  /// A type by its name in any case.
  private func format(_ name: String) throws -> TensorFormat {
    guard let format = TensorFormat(name: name.lowercased()) else {
      throw ValidationError(
        "\(name) is no type. Types are \(QuantizationPlan.formats.map(\.name).joined(separator: ", ")).")
    }
    return format
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
