import PumiceModelFiles
import PumiceModels
import PumiceTensors
import Testing

/// What recurrent layers remember: over chunks, without end, and not behind the last token.
extension LogitsTests {
  private func family(_ name: String) throws -> GGUFFile {
    var model = FamilyModel(try #require(Architecture.all.first { $0.name == name }))
    return try GGUFFile(bytes: model.writer().bytes(), name: name)
  }

  private func text(_ count: Int) -> [Int32] { (0..<count).map { Int32(($0 * 37 + $0 / 7) % FamilyModel.vocabulary) } }

  /// Chunks of a prompt, single tokens, and all at once: the same but for rounding.
  @Test(arguments: ["mamba", "mamba2", "jamba", "falcon-h1", "nemotron_h", "plamo2", "lfm2", "qwen35"])
  func statesCarryOverChunks(name: String) throws {
    let file = try family(name), tokens = text(23)
    let whole = try TestBackend.vulkan.session(file, exactOptions()).logits(appending: tokens)
    for chunk in [1, 2, 5] {
      let session = try TestBackend.vulkan.session(file, exactOptions(chunk: chunk))
      let logits = try session.logits(appending: tokens)
      let error = normalizedError(logits, whole.map { $0.map(Double.init) })
      #expect(error <= 1e-10, "chunks of \(chunk): \(error)")
    }
    let stepped = try TestBackend.vulkan.session(file, exactOptions())
    let logits = try tokens.map { token in
      try stepped.append([token])
      return try stepped.lastLogits()
    }
    #expect(normalizedError(logits, whole.map { $0.map(Double.init) }) <= 1e-10)
  }

  /// After a reset a text gives what it gave at first, to the bit; behind the last token there is nothing to go back to.
  @Test(arguments: ["mamba2", "lfm2", "qwen35"], TestBackend.allCases)
  func statesAreThoseAfterTheLastTokenAlone(name: String, backend: TestBackend) throws {
    let session = try backend.session(family(name), exactOptions()), tokens = text(9)
    let first = try session.logits(appending: tokens)
    #expect(!session.rewind(to: 5))
    #expect(session.position == 9 && session.rewind(to: 9) && !session.rewind(to: 10))
    let next = try session.logits(appending: [3])
    session.reset()
    #expect(session.position == 0)
    #expect(try session.logits(appending: tokens) == first)
    #expect(try session.logits(appending: [3]) == next)
    #expect(session.rewind(to: 0) && session.position == 0)
    #expect(try session.logits(appending: tokens) == first)
  }

  /// Where no layer attends, text goes on beyond any cache in the same memory.
  @Test func textWithoutAttentionHasNoEnd() throws {
    let file = try family("mamba2"), tokens = text(4 * FamilyModel.context)
    let options = SessionOptions(context: 16, chunk: 8)
    #expect(try options.longestText(for: ModelConfiguration(file)) > 1 << 20)
    let sessions = try TestBackend.allCases.map { try $0.session(file, options) }
    #expect(sessions[0].memory.cache == 0 && sessions[0].memory.state > 0)
    let logits = try sessions.map { session in
      try session.append(tokens)
      for _ in 0..<20 { _ = try session.appendLikeliestToken() }
      #expect(session.position == tokens.count + 20)
      return try session.lastLogits()
    }
    #expect(normalizedError(logits[0], logits[1]) <= 1e-9)
  }

  /// With attention beside, the window decides: states go on in any case.
  @Test func hybridsGoOnUnderSinksAndAWindow() throws {
    let file = try family("jamba"), tokens = text(3 * FamilyModel.context)
    var options = SessionOptions(context: 24, chunk: 8, keyFormat: .f32)
    options.masks = try MaskPlan(parsing: "causal & (sinks(2) | window(6))")
    let sessions = try TestBackend.allCases.map { try $0.session(file, options) }
    let logits = try sessions.map { session in
      try session.append(tokens)
      return try session.lastLogits()
    }
    #expect(normalizedError(logits[0], logits[1]) <= 1e-9)
    let limited = try TestBackend.reference.session(file, SessionOptions(context: 24))
    #expect(throws: ModelError.self) { try limited.append(tokens) }
  }

  @Test func theEstimateCountsStates() throws {
    // Two layers of 3 last inputs for 64 channels and 2 times 32 more, and 16 states of 64 channels.
    let mamba2 = try ModelTensors(family("mamba2"), ModelConfiguration(family("mamba2")))
    let one = [3 * 64, 3 * 32, 3 * 32, 16 * 64].reduce(0) { $0 + (4 * $1 + 255) / 256 * 256 }
    let memory = try mamba2.memory(SessionOptions(context: 16))
    #expect(memory.state == 2 * one && memory.description.contains("recurrent state"))
    // One layer of three attends: two heads of 16 cells with 8 elements in f16, and their positions.
    let jamba = try ModelTensors(family("jamba"), ModelConfiguration(family("jamba")))
    #expect(try jamba.memory(SessionOptions(context: 16)).cache == 2 * 512 + 256)
  }

  @Test func masksWithoutAttentionAreRefused() throws {
    let file = try family("mamba")
    var options = SessionOptions(context: 16)
    options.masks = MaskPlan(.causal & .window(4))
    let error = #expect(throws: ModelError.self) { try TestBackend.reference.session(file, options) }
    #expect(error?.description.contains("no layer of the model attends") == true)
    options = SessionOptions(context: 16, cacheRules: [AttentionPlan.CacheRule(keys: .q8_0)])
    #expect(throws: ModelError.self) { try TestBackend.reference.session(file, options) }
  }

  /// What recurrent layers need and a file does not have, or has otherwise.
  @Test(arguments: [
    ("mamba", "ssm.conv_kernel", 17, "a convolution over 17 tokens"),
    ("mamba2", "ssm.group_count", 3, "4 heads cannot be shared out among 3 groups"),
    ("mamba2", "ssm.time_step_rank", 3, "64 channels cannot be shared out among 3 heads"),
    ("jamba", "ssm.inner_size", 32, "tensor blk.0.ssm_in.weight"),
    ("lfm2", "shortconv.l_cache", 1, "a convolution over 1 tokens"),
  ])
  func impossibleStatesAreRefused(name: String, key: String, value: UInt32, message: String) throws {
    let file = try rewritten(name, key, value)
    let error = #expect(throws: ModelFileError.self) { _ = try ModelTensors(file, ModelConfiguration(file)) }
    #expect(error?.description.contains(message) == true, "\(String(describing: error))")
  }
}

/// Latent attention: the two ways that files ask for, and texts that indexers see all of.
extension LogitsTests {
  /// A cache of latents and one of the keys and values of all heads give the same.
  @Test(arguments: TestBackend.allCases)
  func latentsAreKeptOrExpanded(backend: TestBackend) throws {
    let architecture = try #require(Architecture.all.first { $0.name == "deepseek2" })
    let tokens = (0..<20).map { Int32($0 * 37 % FamilyModel.vocabulary) }
    let sessions = try [true, false].map { absorbs in
      var model = FamilyModel(architecture)
      model.absorbsLatents = absorbs
      return try backend.session(GGUFFile(bytes: model.writer().bytes()), exactOptions(chunk: 12))
    }
    let logits = try sessions.map { try $0.logits(appending: tokens) }
    #expect(normalizedError(logits[0], logits[1].map { $0.map(Double.init) }) <= 1e-10)
    // Latents of 24 and rotated parts of 8, and latents again, instead of keys of 16 and values of 8 in four heads.
    #expect(sessions.map(\.configuration.kvHeadCount) == [1, 4])
    #expect(sessions.map(\.configuration.headSize) == [32, 16] && sessions.map(\.configuration.valueSize) == [24, 8])
    #expect(sessions[0].memory.cache < sessions[1].memory.cache)
  }

  @Test func indexersLimitTheContext() throws {
    let file = try rewritten("deepseek32", "attention.indexer.top_k", 48)
    #expect(try ModelConfiguration(file).contextLength == 48)
    #expect(throws: ModelError.self) { try TestBackend.reference.session(file, exactOptions(context: 49)) }
  }

  /// The family's model with another number in its metadata.
  private func rewritten(_ name: String, _ key: String, _ value: UInt32) throws -> GGUFFile {
    let whole = try family(name)
    var metadata = whole.metadata
    metadata["\(name).\(key)"] = .uint32(value)
    var writer = GGUFWriter(metadata: metadata)
    for tensor in whole.tensors {
      writer.addTensor(
        tensor.name, shape: tensor.shape, type: tensor.type, bytes: whole.withBytes(of: tensor, Array.init))
    }
    return try GGUFFile(bytes: writer.bytes(), name: name)
  }
}
