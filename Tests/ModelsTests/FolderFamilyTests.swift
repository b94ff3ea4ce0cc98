import Foundation
import PumiceModelFiles
import PumiceModels
import PumiceTensors
import Testing

/// Folders of every family, against transformers: see `Tests/Fixtures/Folders/make.py`.
@Suite struct FolderFamilyTests {
  /// A tiny model: its configuration, in the forms of several versions of transformers, and its tensors.
  struct Model: Decodable {
    struct Tensor: Decodable {
      var name: String
      var shape: [Int]
      var kind: Kind

      enum Kind: Int, Decodable {
        case weights
        /// Numbers around 1.
        case gains
        /// Bytes of MXFP4: codes, or exponents.
        case codes
      }

      init(_ name: String, _ shape: [Int], _ kind: Kind) {
        (self.name, self.shape, self.kind) = (name, shape, kind)
      }

      /// Bits that follow from the name.
      private var bits: [UInt32] {
        var seed: UInt32 = 2_166_136_261
        for byte in name.utf8 { seed = (seed ^ UInt32(byte)) &* 16_777_619 }
        return (0..<shape.reduce(1, *)).map { index in
          var x = UInt32(truncatingIfNeeded: index) &* 0x9E37_79B9 &+ seed
          x = (x ^ (x >> 16)) &* 0x7FEB_352D
          x = (x ^ (x >> 15)) &* 0x846C_A68B
          return x ^ (x >> 16)
        }
      }

      /// Numbers that follow from the name, exact in bfloat16; of codes, the bytes. The same as in `make.py`.
      var values: [Float] {
        bits.map { x in
          let k = Float(x >> 25)
          return switch kind {
          case .weights: (2 * k - 127) / 512
          case .gains: 1 + (k - 64) / 128
          case .codes: name.hasSuffix("_scales") ? Float(120 + (x >> 30)) : Float(x >> 24)
          }
        }
      }
    }

    /// Tensors that differ in numbers alone, which stand for the stars in their name.
    struct Tensors: Decodable {
      var all: [Tensor]

      init(from decoder: any Decoder) throws {
        var list = try decoder.unkeyedContainer()
        var names = [try list.decode(String.self)]
        let shape = try list.decode([Int].self), kind = try list.decode(Tensor.Kind.self)
        while !list.isAtEnd {
          let numbers = try list.decode([Int].self)
          names = names.flatMap { name in
            let star = name.firstIndex(of: "*")!
            return numbers.map { "\(name[..<star])\($0)\(name[name.index(after: star)...])" }
          }
        }
        all = names.map { Tensor($0, shape, kind) }
      }
    }

    var tensors: [Tensor]
    /// After each of the last tokens.
    var logits: [[Double]]
    /// The texts of `config.json`.
    var configs: [String] = []

    enum CodingKeys: CodingKey { case tensors, logits }

    init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      tensors = try values.decode([Tensors].self, forKey: .tensors).flatMap(\.all)
      logits = try values.decode([[Double]].self, forKey: .logits)
    }
  }

  static let tokens: [Int32] = (0..<16).map { (7 * $0 + 3) % 48 }

  static let models = Result {
    let path = URL(fileURLWithPath: Fixture.folder).deletingLastPathComponent().appendingPathComponent("Folders")
    let data = try Data(contentsOf: path.appendingPathComponent("families.json"))
    var models = try JSONDecoder().decode([String: Model].self, from: data)
    let raw = try JSONSerialization.jsonObject(with: data) as? [String: [String: Any]]
    for (name, model) in raw ?? [:] {
      var config = model["config"] as? [String: Any] ?? [:]
      func add() throws {
        let data = try JSONSerialization.data(withJSONObject: config)
        models[name]!.configs.append(String(decoding: data, as: UTF8.self))
      }
      try add()
      // The same for an older version of transformers, as what differs.
      guard let older = model["older"] as? [String: Any] else { continue }
      for key in older["without"] as? [String] ?? [] { config[key] = nil }
      config.merge(older["values"] as? [String: Any] ?? [:]) { $1 }
      try add()
    }
    return models
  }

  static let names = (try? models.get().keys.sorted()) ?? []

  /// Writes a model to a folder, which `body` may change, and hands over its path.
  static func withFolder<R>(
    _ model: Model, config: String, type: SafetensorsType = .f32, _ body: (String) throws -> R
  ) throws -> R {
    try QuantizeTests.withPath("model") { path in
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try Data(config.utf8).write(to: URL(fileURLWithPath: "\(path)/config.json"))
      var writer = RawSafetensors()
      for tensor in model.tensors {
        writer.add(tensor.name, tensor.shape, tensor.values, as: tensor.kind == .codes ? .u8 : type)
      }
      try writer.data().write(to: URL(fileURLWithPath: "\(path)/model.safetensors"))
      return try body(path)
    }
  }

  /// The logits after each token, or the vectors of encoders.
  static func results(
    _ file: any GGUFSource, on backend: TestBackend, context: Int = 64
  ) throws -> [[Float]] {
    if try ModelConfiguration(file).architecture.encoder != nil {
      let options = EmbeddingOptions(pooling: TextPooling.none, normalizes: false, longestText: tokens.count)
      return try backend.embedder(file, options).vectors(of: [tokens])[0]
    }
    return try backend.session(file, exactOptions(context: context)).logits(appending: tokens)
  }

  static func error(
    _ file: any GGUFSource, _ model: Model, on backend: TestBackend, context: Int = 64
  ) throws -> Double {
    let results = try results(file, on: backend, context: context)
    return normalizedError(Array(results.suffix(model.logits.count)), model.logits)
  }

  @Test func thereAreAllFamilies() throws { #expect(Self.names.count >= 93) }

  @Test(arguments: names)
  func logitsAreThoseOfTransformers(name: String) throws {
    let model = try #require(try Self.models.get()[name])
    for (index, config) in model.configs.enumerated() {
      try Self.withFolder(model, config: config, type: [.bf16, .f16][index % 2]) { folder in
        let file = try FolderAsGGUF(folder: folder, for: .running)
        // Weights are used as they are stored.
        let matrix = try #require(
          file.tensors.last { tensor in
            ["ffn_down", "ffn_down_exps", "ssm_out"].contains { tensor.name.hasSuffix("\($0).weight") }
          })
        let isMXFP4 = name.hasSuffix("mxfp4")
        #expect(file.format(of: matrix) == (isMXFP4 ? .block(.mxfp4) : index % 2 == 0 ? .bf16 : .f16))
        // Of two tables of factors the short one holds up to 16 tokens.
        let context = name == "phi3 short" ? 16 : 64
        let error = try Self.error(file, model, on: index == 0 ? .vulkan : .reference, context: context)
        #expect(error <= (index == 0 ? 1e-10 : 1e-13), "normalized mean squared error \(error) with \(config)")
      }
    }
  }

  /// What GGUF cannot hold is refused, all else is the same model.
  @Test(arguments: names)
  func foldersAreConverted(name: String) throws {
    let model = try #require(try Self.models.get()[name])
    try Self.withFolder(model, config: model.configs[0]) { folder in
      let refused: Set = [
        "exaone4", "gemma2", "gemma3", "falcon_h1 multiplied", "llama4 chunks", "qwen2_moe weighted",
      ]
      guard !refused.contains(name) else {
        let error = #expect(throws: ModelFileError.self) { try FolderAsGGUF(folder: folder) }
        #expect(error?.code == .unsupportedModel)
        return
      }
      let file = try FolderAsGGUF(folder: folder)
      try QuantizeTests.withPath("model.gguf") { path in
        try ModelQuantizer(file, QuantizationPlan(file, .init(.f32))).write(to: path) { _, _ in }
        let written = try GGUFFile(path: path), configuration = try ModelConfiguration(written)
        // A context that was cut to the window takes fewer tokens.
        guard configuration.contextLength >= Self.tokens.count else {
          #expect(configuration.contextLength == 5)
          return
        }
        let error = try Self.error(written, model, on: .reference, context: name == "phi3 short" ? 16 : 64)
        // The exact GELU has no place in these files.
        let isGELU = model.configs[0].contains("\"gelu\"") && !["bloom"].contains(name) || name == "mpt"
        // Nor has a second ε.
        let bounds = [
          "falcon_mamba": 1e-6, "minicpm3": 1e-11, "qwen3_next": 1e-9, "qwen3_5": 1e-9, "qwen3_5_moe": 1e-9,
          "kimi_linear": 1e-9,
        ]
        let bound = bounds[name] ?? (isGELU ? 1e-4 : 1e-13)
        #expect(error <= bound, "normalized mean squared error \(error)")
      }
    }
  }
}

/// A safetensors file to be.
struct RawSafetensors {
  private var header: [String] = []
  private var bytes: [UInt8] = []

  mutating func add(_ name: String, _ shape: [Int], _ values: [Float], as type: SafetensorsType) {
    let start = bytes.count
    for value in values {
      switch type {
      case .u8: bytes.append(UInt8(value))
      case .f16: withUnsafeBytes(of: Float16(value).bitPattern.littleEndian) { bytes += $0 }
      case .bf16: withUnsafeBytes(of: UInt16(value.bitPattern >> 16).littleEndian) { bytes += $0 }
      default: withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
      }
    }
    header.append(
      "\"\(name)\": {\"dtype\": \"\(type.rawValue)\", \"shape\": \(shape), \"data_offsets\": [\(start), \(bytes.count)]}"
    )
  }

  func data() -> Data {
    let text = "{\(header.joined(separator: ", "))}"
    var data = withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) { Data($0) }
    data.append(contentsOf: text.utf8)
    data.append(contentsOf: bytes)
    return data
  }
}
