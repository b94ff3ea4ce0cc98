import Foundation
import PumiceGPU
import PumiceKernels
import PumiceModelFiles
import PumiceModels
import PumiceTensors
import Testing

/// A tiny model with the logits that llama.cpp gives for it; see `Tests/Fixtures/Models/README.md`.
struct Fixture: CustomTestStringConvertible {
  struct Golden: Decodable {
    var tokens: [Int32]
    var logits: [[Double]]
    var greedy: [Int32]
  }

  static let all = ["f32", "f16", "q8_0", "q4_0"].map(Fixture.init)
  static let f32 = Fixture(name: "f32")

  let name: String

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/Models").path

  var path: String { "\(Self.folder)/tiny-\(name).gguf" }
  var testDescription: String { name }

  func open() throws -> GGUFFile { try GGUFFile(path: path) }

  func golden() throws -> Golden {
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(Self.folder)/tiny-\(name).json"))
    return try JSONDecoder().decode(Golden.self, from: data)
  }

  /// A writer of the same file, to be changed.
  func writer(
    setting values: KeyValuePairs<String, GGUFValue?> = [:], keeping keeps: (GGUFTensor) -> Bool = { _ in true }
  ) throws -> GGUFWriter {
    let file = try open()
    var metadata = file.metadata
    for (key, value) in values { metadata[key] = value }
    var writer = GGUFWriter(metadata: metadata)
    for tensor in file.tensors where keeps(tensor) {
      writer.addTensor(
        tensor.name, shape: tensor.shape, type: tensor.type, bytes: file.withBytes(of: tensor, Array.init))
    }
    return writer
  }
}

/// The kernels of the default device; made once, since opening a device takes time.
let kernels = Result { KernelLibrary(device: try Device.open()) }

/// Where tests run models.
enum TestBackend: String, CaseIterable {
  case vulkan, reference

  func session(_ file: any GGUFSource, _ options: SessionOptions) throws -> any Session {
    let tensors = try ModelTensors(file, try ModelConfiguration(file))
    switch self {
    case .vulkan:
      return try ModelSession(tensors, on: VulkanBackend(kernels.get()), options: options, modelName: file.path)
    case .reference: return try ModelSession(tensors, on: ReferenceBackend(), options: options, modelName: file.path)
    }
  }
}

/// Options for exact comparisons.
func exactOptions(context: Int = 64, chunk: Int = 512) -> SessionOptions {
  SessionOptions(context: context, chunk: chunk, keyFormat: .f32, keepsAllLogits: true)
}

/// Σ(a − b)² / Σb²
func normalizedError(_ a: [[Float]], _ b: [[Double]]) -> Double {
  guard a.map(\.count) == b.map(\.count) else { return .infinity }
  let pairs = zip(a.joined(), b.joined())
  return pairs.reduce(0) { $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1) } / pairs.reduce(0) { $0 + $1.1 * $1.1 }
}

func normalizedError(_ a: [Float], _ b: [Float]) -> Double { normalizedError([a], [b.map(Double.init)]) }
