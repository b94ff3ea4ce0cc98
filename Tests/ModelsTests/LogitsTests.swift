import PumiceGPU
import PumiceKernels
import PumiceModelFiles
import PumiceModels
import PumiceTensors
import Testing

/// All tests that use the device, one after the other.
@Suite(.serialized) struct LogitsTests {
  @Test(arguments: Fixture.all, TestBackend.allCases)
  func logitsAreThoseOfLlamaCpp(fixture: Fixture, backend: TestBackend) throws {
    let golden = try fixture.golden()
    let session = try backend.session(fixture.open(), exactOptions())
    let logits = try session.logits(appending: golden.tokens)
    let error = normalizedError(logits, golden.logits)
    #expect(error <= 1e-9, "normalized mean squared error \(error)")
    #expect(try continuation(of: session, count: golden.greedy.count) == golden.greedy)
  }

  @Test(arguments: TestBackend.allCases)
  func cacheInHalfPrecisionIsCloseToo(backend: TestBackend) throws {
    let golden = try Fixture.f32.golden()
    let options = SessionOptions(context: 64, keepsAllLogits: true)
    let logits = try backend.session(Fixture.f32.open(), options).logits(appending: golden.tokens)
    let error = normalizedError(logits, golden.logits)
    // Rounding to f16 is really done, and no more than that.
    #expect(error > 1e-12 && error < 1e-5, "normalized mean squared error \(error)")
  }

  @Test(arguments: TestBackend.allCases, [1, 5, 11, 12])
  func chunksOfAPromptGiveWhatTheWholeGives(backend: TestBackend, chunk: Int) throws {
    let golden = try Fixture.f32.golden()
    let file = try Fixture.f32.open()
    let session = try backend.session(file, exactOptions(chunk: chunk))
    #expect(normalizedError(try session.logits(appending: golden.tokens), golden.logits) <= 1e-9)
    #expect(try continuation(of: session, count: 8) == golden.greedy)
  }

  @Test(arguments: TestBackend.allCases)
  func decodingStepByStepGivesWhatThePromptGives(backend: TestBackend) throws {
    let golden = try Fixture.f32.golden()
    let session = try backend.session(Fixture.f32.open(), SessionOptions(context: 64, keyFormat: .f32))
    for (index, token) in golden.tokens.enumerated() {
      try session.append([token])
      #expect(session.position == index + 1)
      #expect(normalizedError([try session.lastLogits()], [golden.logits[index]]) <= 1e-9, "token \(index)")
    }
    #expect(try continuation(of: session, count: 8) == golden.greedy)
  }

  @Test func replayedStepsGiveTheBitsOfStepsRecordedAnew() throws {
    let tokens = try Fixture.f32.golden().tokens
    let file = try Fixture.f32.open()
    let tensors = try ModelTensors(file, try ModelConfiguration(file))
    func run(recordingAnew: Bool) throws -> [[UInt32]] {
      let session = try ModelSession(
        tensors, on: VulkanBackend(kernels.get()), options: SessionOptions(context: 64), modelName: file.path)
      try session.append(tokens)
      return try (0..<20).map { _ in
        if recordingAnew { session.forgetSteps() }
        _ = try session.appendLikeliestToken()
        return try session.lastLogits().map(\.bitPattern)
      }
    }
    #expect(try run(recordingAnew: false) == run(recordingAnew: true))
  }

  @Test(arguments: TestBackend.allCases)
  func whatWasForgottenLeavesNoTrace(backend: TestBackend) throws {
    let golden = try Fixture.f32.golden()
    let session = try backend.session(Fixture.f32.open(), exactOptions())
    try session.warmUp(tokens: 100)
    #expect(session.position == 0)
    let first = try session.logits(appending: golden.tokens)
    session.reset()
    #expect(try session.logits(appending: golden.tokens) == first)
    #expect(normalizedError(first, golden.logits) <= 1e-9)
  }

  @Test func hostAndDeviceChooseTheSameTokens() throws {
    let golden = try Fixture.f32.golden()
    let session = try TestBackend.vulkan.session(Fixture.f32.open(), exactOptions())
    try session.append(golden.tokens)
    var sampler = Sampler(SamplingOptions(temperature: 0), seed: 0)
    for expected in golden.greedy {
      let token = try sampler.sample(try session.lastLogits(), recent: [])
      #expect(token == expected)
      try session.append([token])
    }
  }

  @Test func stepsCrossTheBoundOnKeys() throws {
    // The recorded step is good for 256 keys; both backends must agree before and after.
    let writer = try Fixture.f32.writer(setting: ["llama.context_length": .uint32(512)])
    let file = try GGUFFile(bytes: writer.bytes())
    let sessions = try TestBackend.allCases.map {
      try $0.session(file, SessionOptions(context: 300, keyFormat: .f32))
    }
    let prompt = (0..<250).map { Int32($0 * 37 % 288) }
    for session in sessions { try session.append(prompt) }
    for index in 0..<12 {
      for session in sessions { try session.append([Int32(index * 11 % 288)]) }
      #expect(normalizedError(try sessions[0].lastLogits(), try sessions[1].lastLogits()) <= 1e-9, "key \(250 + index)")
    }
  }

  @Test(arguments: TestBackend.allCases)
  func aSessionRefusesWhatItHasNoRoomFor(backend: TestBackend) throws {
    let session = try backend.session(Fixture.f32.open(), exactOptions(context: 4))
    #expect(throws: ModelError.contextFull(context: 4)) { try session.append([1, 2, 3, 4, 5]) }
    #expect(throws: ModelError.unknownToken(288, vocabulary: 288)) { try session.append([1, 288]) }
    #expect(throws: ModelError.unknownToken(-1, vocabulary: 288)) { try session.append([-1]) }
    #expect(session.position == 0)
    try session.append([1, 2, 3])
    _ = try session.appendLikeliestToken()
    #expect(throws: ModelError.contextFull(context: 4)) { _ = try session.appendLikeliestToken() }
  }

  private func continuation(of session: any Session, count: Int) throws -> [Int32] {
    try (0..<count).map { try $0 == 0 ? session.likeliestToken() : session.appendLikeliestToken() }
  }
}
