import PumiceModelFiles
import PumiceOperators
import PumiceTensors
import Testing

@testable import PumiceModels

/// What families do far back in a text, where tiny models never get.
@Suite struct LongTextTests {
  private func configuration(_ name: String, context: UInt32, _ settings: [(String, GGUFValue)]) throws
    -> ModelConfiguration
  {
    var model = FamilyModel(try #require(Architecture.all.first { $0.name == name }))
    var writer = model.writer()
    writer.metadata["\(name).context_length"] = .uint32(context)
    for (key, value) in settings { writer.metadata["\(name).\(key)"] = value }
    return try ModelConfiguration(GGUFFile(bytes: writer.bytes()))
  }

  /// Llama 4 cuts the text into pieces in layers that turn, and sharpens attention in those that do not.
  @Test func piecesOfATextSeeThemselvesAlone() throws {
    let c = try configuration("llama4", context: 40_000, [])
    let long = CacheLayout(SessionOptions(context: 20_000), for: c)
    let short = CacheLayout(SessionOptions(context: 8192), for: c)
    for (index, layer) in c.layers.enumerated() {
      #expect((layer.window == 8192) == (index % 4 != 3) && layer.hasTemperature == (index % 4 == 3))
      let pieces = layer.window == nil ? AttentionMask.causal : .causal & .documents([8192, 16_384])
      #expect(long.layers[index]?.mask == pieces && short.layers[index]?.mask == .causal)
    }
    let temperature = try #require(c.temperature)
    #expect(temperature.factor(position: 8190) == 1)
    #expect(abs(temperature.factor(position: 8191) - 1.069_314_7) < 1e-6)
    #expect(abs(temperature.factor(position: 3 * 8192 - 1) - 1.138_629_4) < 1e-6)
  }

  /// YaRN's magnitude is 1 + 0.1 · ln(factor), unless files say that scores have it already.
  @Test func magnitudes() throws {
    let yarn: [(String, GGUFValue)] = [
      ("rope.scaling.type", .string("yarn")), ("rope.scaling.factor", .float32(8)),
      ("rope.scaling.original_context_length", .uint32(32)),
    ]
    #expect(abs(try configuration("llama", context: 64, yarn).ropeMagnitude - 1.207_944_2) < 1e-6)
    #expect(
      abs(
        try configuration("llama", context: 64, yarn + [("rope.scaling.attn_factor", .float32(0.5))]).ropeMagnitude
          - 0.603_972_1) < 1e-6)
    #expect(
      try configuration("mistral3", context: 64, yarn + [("rope.scaling.yarn_log_multiplier", .float32(1))])
        .ropeMagnitude == 1)
    let plain = try configuration("llama", context: 64, yarn + [("rope.scaling.yarn_ext_factor", .float32(0))])
    #expect(plain.yarn == nil && plain.ropeScale == 0.125 && plain.ropeMagnitude == 1)
  }

  /// Layers at the end that predict further ahead are left out, with their tensors.
  @Test func predictionLayersAreLeftOut() throws {
    let architecture = try #require(Architecture.all.first { $0.name == "glm4moe" })
    var model = FamilyModel(architecture)
    var writer = model.writer()
    writer.metadata["glm4moe.block_count"] = .uint32(3)
    writer.metadata["glm4moe.nextn_predict_layers"] = .uint32(1)
    writer.addTensor("blk.2.nextn.eh_proj.weight", shape: [32, 64], floats: Array(repeating: 0, count: 2048))
    let file = try GGUFFile(bytes: writer.bytes())
    #expect(try ModelTensors(file, ModelConfiguration(file)).configuration.layerCount == 2)
    writer.metadata["glm4moe.nextn_predict_layers"] = .uint32(3)
    let bytes = try writer.bytes()
    #expect(throws: ModelFileError.self) { try ModelConfiguration(GGUFFile(bytes: bytes)) }
  }
}
