import PumiceModelFiles
import PumiceModels
import PumiceTensors
import Testing

/// Formats of the cache, masks, and caches that forget. In `LogitsTests`, so that one test at a time uses the device.
extension LogitsTests {
  /// The tiny model with heads of 32, which formats in blocks of 32 divide.
  private func wideHeads(context: Int = 128) throws -> GGUFFile {
    let file = try Fixture.f32.writer(
      setting: [
        "llama.attention.head_count": .uint32(2), "llama.attention.head_count_kv": .uint32(1),
        "llama.rope.dimension_count": .uint32(32), "llama.attention.key_length": .uint32(32),
        "llama.attention.value_length": .uint32(32), "llama.context_length": .uint32(UInt32(context)),
      ], keeping: { $0.name != "rope_freqs.weight" })
    return try GGUFFile(bytes: file.bytes())
  }

  private func longTiny(_ context: Int) throws -> GGUFFile {
    try GGUFFile(bytes: Fixture.f32.writer(setting: ["llama.context_length": .uint32(UInt32(context))]).bytes())
  }

  private func text(_ count: Int, from start: Int = 0) -> [Int32] {
    (start..<start + count).map { Int32(($0 * 37 + $0 / 7) % 288) }
  }

  // MARK: Formats

  /// What the format costs is between the two bounds; a code that rounding turns over is what backends may differ by.
  @Test(arguments: [
    ("bf16", "bf16", 1e-12, 1e-4), ("q8_0", "q8_0", 1e-12, 1e-4), ("q4_0", "q4_0", 1e-8, 3e-2),
    ("g4:32", "g4:32", 1e-8, 3e-2), ("q8_0", "q4_0", 1e-8, 3e-2), ("f16", "nf4:32", 1e-8, 3e-2),
  ])
  func cachesOfCodes(keys: String, values: String, least: Double, most: Double) throws {
    let file = try wideHeads(), tokens = text(20)
    func logits(_ backend: TestBackend, _ keys: String, _ values: String) throws -> [[Float]] {
      let options = SessionOptions(
        context: 64, keyFormat: TensorFormat(name: keys)!, valueFormat: TensorFormat(name: values)!,
        keepsAllLogits: true)
      let session = try backend.session(file, options)
      return try session.logits(appending: Array(tokens.prefix(15)))
        + tokens.suffix(5).map { token in
          try session.append([token])
          return try session.lastLogits()
        }
    }
    let exact = try logits(.reference, "f32", "f32").map { $0.map(Double.init) }
    let reference = try logits(.reference, keys, values)
    let vulkan = try logits(.vulkan, keys, values)
    let cost = normalizedError(reference, exact)
    #expect(cost > least && cost < most, "normalized mean squared error \(cost)")
    let difference = normalizedError(vulkan, reference.map { $0.map(Double.init) })
    #expect(difference <= max(1e-9, cost / 100), "backends differ by \(difference), the format by \(cost)")
  }

  @Test func theDemoModelTakesItsCacheInCodes() throws {
    let file = try DemoModel.open()
    let tokens: [Int32] = (0..<60).map { $0 * 131 % 1024 }
    func logits(_ format: String) throws -> [[Float]] {
      let options = SessionOptions(context: 64, keyFormat: TensorFormat(name: format)!, keepsAllLogits: true)
      return try TestBackend.vulkan.session(file, options).logits(appending: tokens)
    }
    let exact = try logits("f32").map { $0.map(Double.init) }
    for (format, most) in [("q8_0", 1e-4), ("q4_0", 3e-2), ("g4:32", 3e-2)] {
      let error = normalizedError(try logits(format), exact)
      #expect(error > 1e-9 && error < most, "\(format): normalized mean squared error \(error)")
    }
  }

  @Test func layersMayHaveFormatsOfTheirOwn() throws {
    let file = try wideHeads(), tokens = text(12)
    func options(_ rules: [AttentionPlan.CacheRule]) -> SessionOptions {
      SessionOptions(context: 64, keyFormat: .f32, cacheRules: rules, keepsAllLogits: true)
    }
    let rules = [AttentionPlan.CacheRule(keys: .q8_0), AttentionPlan.CacheRule(layers: [1], keys: .f32, values: .q4_0)]
    let logits = try TestBackend.allCases.map { try $0.session(file, options(rules)).logits(appending: tokens) }
    let exact = try TestBackend.reference.session(file, options([])).logits(appending: tokens)
    let cost = normalizedError(logits[1], exact.map { $0.map(Double.init) })
    #expect(cost > 1e-9 && cost < 3e-2)
    #expect(normalizedError(logits[0], logits[1].map { $0.map(Double.init) }) <= max(1e-9, cost / 100))
    let full = try TestBackend.reference.session(file, options([])).memory.cache
    #expect(try TestBackend.vulkan.session(file, options(rules)).memory.cache < full)
  }

  /// Every key-value head in formats of its own, for keys and for values: prompts, steps, and a cache that forgets.
  @Test(arguments: ["causal", "causal & (sinks(2) | window(9)); heads 1: causal & window(4)"])
  func headsMayHaveFormatsOfTheirOwn(mask: String) throws {
    let file = try DemoModel.open(), tokens: [Int32] = (0..<45).map { $0 * 131 % 1024 }
    let formats = ["q8_0", "g6:32", "bf16", "q5_1", "nf4:64", "g4:32:asym", "q4_0", "f16"].map {
      TensorFormat(name: $0)!
    }
    // Of four layers with two heads.
    let own = (0..<8).map { place in
      AttentionPlan.CacheRule(
        layers: [place / 2], heads: [place % 2], keys: formats[place], values: formats[(place + 3) % 8])
    }
    func logits(_ backend: TestBackend, _ rules: [AttentionPlan.CacheRule]) throws -> [[Float]] {
      let options = SessionOptions(
        context: mask == "causal" ? 64 : 24, chunk: 14, keyFormat: .f32, cacheRules: rules,
        masks: try MaskPlan(parsing: mask), keepsAllLogits: true)
      let session = try backend.session(file, options)
      return try session.logits(appending: Array(tokens.prefix(36)))
        + tokens.suffix(9).map { token in
          try session.append([token])
          return try session.lastLogits()
        }
    }
    let exact = try logits(.vulkan, []).map { $0.map(Double.init) }
    let reference = try logits(.reference, own), vulkan = try logits(.vulkan, own)
    let cost = normalizedError(reference, exact)
    #expect(cost > 1e-8 && cost < 3e-2, "normalized mean squared error \(cost)")
    let difference = normalizedError(vulkan, reference.map { $0.map(Double.init) })
    #expect(difference <= max(1e-9, cost / 100), "backends differ by \(difference), the formats by \(cost)")
  }

  @Test func oneHeadOfTwoInAnotherFormatCostsHalf() throws {
    let file = try DemoModel.open()
    func bytes(_ format: TensorFormat, _ rules: [AttentionPlan.CacheRule] = []) throws -> Int {
      try TestBackend.vulkan.session(file, SessionOptions(context: 64, keyFormat: format, cacheRules: rules)).memory
        .cache
    }
    let half = try bytes(.f32, [AttentionPlan.CacheRule(heads: [1], keys: .q8_0, values: .q8_0)])
    #expect(try 2 * half == bytes(.f32) + bytes(.q8_0))
  }

  @Test func formatsThatNoCacheCanHave() throws {
    func error(_ file: GGUFFile, _ options: SessionOptions) throws -> String {
      try #require(#expect(throws: ModelError.self) { try TestBackend.reference.session(file, options) }).description
    }
    let narrow = try Fixture.f32.open(), wide = try wideHeads()
    #expect(
      try error(narrow, SessionOptions(context: 8, valueFormat: .q8_0))
        == "layer 0 cannot cache values in q8_0 (-ctv): the value size 16 is no multiple of the 32 that q8_0 needs"
    )
    let rule = AttentionPlan.CacheRule(layers: [1], keys: .i32)
    #expect(
      try error(wide, SessionOptions(context: 8, cacheRules: [rule]))
        == "layer 1 cannot cache keys in i32 (-ctk): a cache of keys in i32 is not supported: it has no encoder")
    let absent = AttentionPlan.CacheRule(layers: [2], keys: .f32)
    #expect(
      try error(wide, SessionOptions(context: 8, cacheRules: [absent]))
        == "a rule for the cache of layer 2; the model has 2")
    let split = AttentionPlan.CacheRule(heads: [1], keys: .q4_0)
    #expect(
      try error(narrow, SessionOptions(context: 8, cacheRules: [split]))
        == "layer 0, key-value head 1, cannot cache keys in q4_0 (-ctk): the key size 16 is no multiple of the 32 that q4_0 "
        + "needs")
  }

  // MARK: Masks

  @Test func layersAndHeadsSeeWhatTheirMasksSay() throws {
    let file = try longTiny(256), tokens = text(90)
    func logits(_ backend: TestBackend, _ mask: String) throws -> [[Float]] {
      var options = exactOptions(context: 200, chunk: 40)
      options.masks = try MaskPlan(parsing: mask)
      let session = try backend.session(file, options)
      return try session.logits(appending: Array(tokens.prefix(85)))
        + tokens.suffix(5).map { token in
          try session.append([token])
          return try session.lastLogits()
        }
    }
    func doubles(_ logits: [[Float]]) -> [[Double]] { logits.map { $0.map(Double.init) } }
    let dense = doubles(try logits(.vulkan, "causal"))
    var seen: [[[Float]]] = []
    for mask in [
      "causal & (sinks(2) | window(20))", "causal & window(20); layers 1 heads 0, 2-3: causal",
      "heads 1: causal & sinks(1)", "layers 0: causal & slash(0, 1, 33-70)",
      "layers 1: causal & span(5+0.25N, 9, 3, 80)",
    ] {
      let vulkan = try logits(.vulkan, mask)
      #expect(normalizedError(vulkan, doubles(try logits(.reference, mask))) <= 1e-9, "\(mask)")
      #expect(normalizedError(vulkan, dense) > 1e-6, "\(mask)")
      #expect(!seen.contains(vulkan))
      seen.append(vulkan)
    }
    #expect(normalizedError(try logits(.vulkan, "causal & window(90)"), dense) <= 1e-12)
  }

  @Test func masksThatTheModelDoesNotAllow() throws {
    let file = try Fixture.f32.open()
    for (mask, message) in [
      ("layers 1-2: causal", "there is no layer 2; the model has 2"),
      ("heads 4: causal", "there is no head 4; the model has 4"),
      ("perHead(causal, causal)", "perHead is given for 2 heads, and there are 4"),
      ("tokens(3, 8)", "tokens: positions[1] is 8; it must lie in 0…7"),
    ] {
      let options = SessionOptions(context: 8, masks: try MaskPlan(parsing: mask))
      let error = #expect(throws: ModelError.self) { try TestBackend.reference.session(file, options) }
      #expect(error?.description == "the attention mask: \(message)")
    }
  }

  // MARK: Forgetting

  /// A session whose cache forgets, and one that keeps everything, under the same mask.
  private func pair(
    _ backend: TestBackend, _ file: GGUFFile, _ mask: String, context: Int, chunk: Int, longest: Int
  ) throws -> [any Session] {
    try [context, longest].map { context in
      var options = exactOptions(context: context, chunk: chunk)
      // Nothing is added to what is seen, but no bound is known for a complement.
      options.masks = try MaskPlan(parsing: context == longest ? "\(mask) | !full" : mask)
      return try backend.session(file, options)
    }
  }

  @Test(
    arguments: TestBackend.allCases,
    ["causal & (sinks(2) | window(8))", "causal & window(11)", "causal & tokens(0, 3)"])
  func aCacheThatForgetsGivesWhatOneThatKeepsGives(backend: TestBackend, mask: String) throws {
    let sessions = try pair(backend, longTiny(256), mask, context: 16, chunk: 5, longest: 256)
    #expect(sessions[0].context == AttentionMask.limit && sessions[1].context == 256)
    #expect(sessions[0].memory.cache * 8 < sessions[1].memory.cache)
    // Twice: nothing is left of the first text.
    for start in [0, 1000] {
      for session in sessions { session.reset() }
      var position = 0
      // Passes of every length up to the longest and beyond it, and single tokens.
      for count in [3, 5, 1, 1, 7, 2, 23, 1, 4, 1, 1, 11, 31, 1, 1] {
        let tokens = text(count, from: start + position)
        let logits = try sessions.map { session in
          if count > 1 { return try session.logits(appending: tokens) }
          try session.append(tokens)
          return [try session.lastLogits()]
        }
        position += count
        let error = normalizedError(logits[0], logits[1].map { $0.map(Double.init) })
        #expect(error <= 1e-9, "\(count) tokens to \(position): \(error)")
      }
      #expect(sessions[0].position == position)
    }
  }

  @Test func twentyThousandTokensInACacheOfFiveHundred() throws {
    let demo = try DemoModel.open()
    var metadata = demo.metadata
    metadata["llama.context_length"] = .uint32(32768)
    var writer = GGUFWriter(metadata: metadata)
    for tensor in demo.tensors {
      writer.addTensor(
        tensor.name, shape: tensor.shape, type: tensor.type, bytes: demo.withBytes(of: tensor, Array.init))
    }
    let sessions = try pair(
      .vulkan, GGUFFile(bytes: writer.bytes()), "causal & (sinks(4) | window(256))", context: 512, chunk: 250,
      longest: 20_480)
    #expect(sessions[0].memory.cache * 40 < sessions[1].memory.cache)
    var next: Int32 = 0
    while sessions[0].position < 20_000 {
      // A stretch of a text, then some tokens of the model's own.
      let tokens = [next] + (1..<1980).map { Int32(($0 * 131 + sessions[0].position) % 1024) }
      for session in sessions { try session.append(tokens) }
      for _ in 0..<20 {
        let logits = try sessions.map { try $0.lastLogits() }
        #expect(normalizedError(logits[0], logits[1]) <= 1e-8, "at \(sessions[0].position)")
        let chosen = try sessions.map { try $0.appendLikeliestToken() }
        #expect(chosen[0] == chosen[1], "at \(sessions[0].position)")
        next = chosen[0]
      }
    }
    #expect(sessions[0].position == 20_000)
  }

  /// Layers that see the first tokens and a window alone keep no more, whatever others see; results are those of a session that
  /// keeps every token in every layer.
  @Test(
    arguments: TestBackend.allCases,
    [
      ("causal & window(8); layers 1: causal", 200), ("causal; layers 1: causal & (sinks(3) | window(12))", 200),
      ("causal & window(8); layers 1: causal & (sinks(2) | window(20))", 40),
    ])
  func eachLayerKeepsWhatItSees(backend: TestBackend, mask: (String, Int)) throws {
    let rules = try MaskPlan(parsing: mask.0).rules, file = try longTiny(256)
    let everything = MaskPlan(rules.map { MaskPlan.Rule(layers: $0.layers, $0.mask | !AttentionMask.full) })
    let sessions = try [(MaskPlan(rules), mask.1), (everything, 200)].map { masks, context in
      var options = exactOptions(context: context, chunk: 10)
      options.masks = masks
      return try backend.session(file, options)
    }
    #expect(sessions[0].memory.cache * 100 < sessions[1].memory.cache * 60)
    #expect(sessions[0].context == (mask.1 == 40 ? AttentionMask.limit : 200))
    for _ in 0..<2 {
      for session in sessions { session.reset() }
      for count in [9, 1, 23, 1, 1, 60, 1, 4, 11, 1, 40, 30] {
        let tokens = text(count, from: sessions[0].position)
        let logits = try sessions.map { session in
          if count > 1 { return try session.logits(appending: tokens) }
          try session.append(tokens)
          return [try session.lastLogits()]
        }
        let error = normalizedError(logits[0], logits[1].map { $0.map(Double.init) })
        #expect(error <= 1e-9, "\(count) tokens to \(sessions[0].position): \(error)")
      }
    }
  }

  /// What a session forgot cannot be gone back to, but as many tokens as a pass has can be taken back.
  @Test(arguments: TestBackend.allCases) func aCacheThatForgetsGoesBackAPass(backend: TestBackend) throws {
    let file = try longTiny(256)
    func session(_ mask: String, _ context: Int) throws -> any Session {
      var options = exactOptions(context: context, chunk: 10)
      options.masks = try MaskPlan(parsing: mask)
      return try backend.session(file, options)
    }
    for mask in ["causal & (sinks(2) | window(9))", "causal; layers 0: causal & window(9)"] {
      let forgetting = try session(mask, mask.hasPrefix("causal;") ? 200 : 24)
      try forgetting.append(text(90))
      #expect(!forgetting.rewind(to: 79) && !forgetting.rewind(to: 91) && forgetting.position == 90)
      #expect(forgetting.rewind(to: 83))
      let other = text(4, from: 500)
      try forgetting.append(other)
      // Counted from the farthest that was ever written.
      #expect(!forgetting.rewind(to: 79))
      #expect(forgetting.rewind(to: 80))
      try forgetting.append(other)
      let whole = try session("\(mask) | !full", 200)
      try whole.append(text(80) + other)
      #expect(normalizedError(try forgetting.lastLogits(), try whole.lastLogits()) <= 1e-9, "\(mask)")
    }
    // Later tokens would be seen where no mask hides them.
    let open = try session("window(9)", 24)
    try open.append(text(90))
    #expect(!open.rewind(to: 89))
    // Where nothing was forgotten yet, everything can be taken back.
    let short = try session("causal & window(9)", 24)
    try short.append(text(17))
    #expect(short.rewind(to: 1))
  }

  @Test func aWindowThatDoesNotFitKeepsEverything() throws {
    var options = exactOptions(context: 16)
    options.masks = try MaskPlan(parsing: "causal & (sinks(4) | window(13))")
    let session = try TestBackend.reference.session(Fixture.f32.open(), options)
    #expect(session.context == 16)
    #expect(throws: ModelError.contextFull(context: 16)) { try session.append(text(17)) }
  }
}
