import PumiceModelFiles
import PumiceModels
import PumiceTensors
import Testing

/// What a token costs at least, by which `inspect` estimates speeds.
@Suite struct DecodeCostTests {
  private func cost(_ file: any GGUFSource, after length: Int, mask: String? = nil) throws -> DecodeCost {
    let configuration = try ModelConfiguration(file)
    var options = exactOptions(context: 32)
    if let mask { options.masks = try MaskPlan(parsing: mask) }
    return try #require(try ModelTensors(file, configuration).decodeCost(options, after: length))
  }

  /// By hand: every matrix once but for a row of the table, and the cells that are seen.
  @Test func countsWeightsOnceAndTheCacheByItsLength() throws {
    let file = try Fixture.f32.open(), c = try ModelConfiguration(file)
    let matrices = file.tensors.filter { $0.shape.rank == 2 && $0.name != "token_embd.weight" }
    let weights = matrices.reduce(c.embeddingLength) { $0 + $1.shape.count }
    for length in [0, 9] {
      let found = try cost(file, after: length)
      // Keys and values in f32.
      let cell = c.layerCount * c.kvHeadCount * (c.headSize + c.valueSize)
      #expect(abs(found.bytes - Double(4 * (weights + cell * (length + 1)))) < 1)
      let attention = 2 * c.layerCount * c.headCount * (c.headSize + c.valueSize) * (length + 1)
      #expect(abs(found.flops - Double(2 * weights + attention)) < 1)
    }
    let windowed = try cost(file, after: 31, mask: "causal & window(4)")
    #expect(windowed.bytes < (try cost(file, after: 31).bytes))
  }

  @Test func countsTheChosenExpertsAlone() throws {
    let mixtral = try #require(Architecture.all.first { $0.name == "qwen3moe" })
    var model = FamilyModel(mixtral)
    let file = try GGUFFile(bytes: model.writer().bytes(), name: "experts")
    let experts = file.tensors.filter { $0.name.contains("_exps.") }.reduce(0) { $0 + $1.byteCount }
    let all = file.tensors.filter { $0.shape.rank > 1 }.reduce(0) { $0 + $1.byteCount }
    #expect(experts > 0)
    // Two of four are used.
    let found = try cost(file, after: 0)
    #expect(found.bytes < Double(all) - 0.49 * Double(experts) && found.bytes > Double(experts) / 2)
  }

  @Test func theSlowerOfMemoryAndArithmeticDecides() {
    let cost = DecodeCost(bytes: 1e9, flops: 4e9)
    #expect(cost.tokensPerSecond(bandwidth: 10e9, peak: 1e12) == 10)
    #expect(cost.tokensPerSecond(bandwidth: 100e9, peak: 8e9) == 2)
  }
}
