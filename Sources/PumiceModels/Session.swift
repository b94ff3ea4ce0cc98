import PumiceKernels
import PumiceOperators
import PumiceTensors

/// A model and the tokens that it has seen.
public protocol Session: AnyObject {
  var configuration: ModelConfiguration { get }
  var memory: MemoryEstimate { get }
  /// Tokens that a text may have: as many as the cache has room for, or more if it lets go of those that no layer can see
  /// any more.
  var context: Int { get }
  /// Tokens seen.
  var position: Int { get }

  /// Appends tokens.
  ///
  /// - Throws: `ModelError.contextFull` if there is no room, `unknownToken`.
  func append(_ tokens: [Int32]) throws

  /// Appends tokens and gives the logits after each of them.
  func logits(appending tokens: [Int32]) throws -> [[Float]]

  /// The logits after the last token.
  func lastLogits() throws -> [Float]

  /// The token with the largest logit after the last one; of equals the first.
  func likeliestToken() throws -> Int32

  /// Appends the likeliest token, without it ever leaving the device, and gives the one that is likeliest after it.
  func appendLikeliestToken() throws -> Int32

  /// Forgets all tokens: the next one is the first.
  func reset()

  /// Forgets all tokens but the first `count`, if the session still has what it made of those. The states of recurrent layers
  /// are those after the last token alone.
  ///
  /// - Returns: whether it does; if not, nothing changes.
  func rewind(to count: Int) -> Bool
}

extension Session {
  /// Runs a few tokens of a prompt and a step, so that all kernels are compiled before anybody waits for an answer, and
  /// forgets all tokens.
  ///
  /// - Parameter tokens: how many tokens the prompt will have.
  public func warmUp(tokens: Int) throws {
    reset()
    let count = min(tokens, 16, context - 1)
    guard count > 0 else { return }
    try append([Int32](repeating: 0, count: count))
    _ = try appendLikeliestToken()
    reset()
  }
}

/// A session on some backend.
public final class ModelSession<B: Backend>: Session {
  public let configuration: ModelConfiguration
  public let memory: MemoryEstimate
  public let context: Int
  public private(set) var position = 0
  /// The end of what the cache has been written with since the first token: past `position` after a rewinding.
  private var written = 0

  private let keepsAllLogits: Bool
  private let layout: CacheLayout
  private let backend: B
  private let weights: ModelWeights<B>
  private let activations: Activations<B>
  private let cache: KVCache<B>
  private let state: RecurrentState<B>
  /// Whether the state is that after the last token; if not, it must be cleared before the first one.
  private var stateIsCurrent = true
  /// What the host writes: the tokens of a pass, their positions, and what their queries are multiplied by.
  private let tokens: B.Tensor
  private let positions: B.Tensor
  private let temperatures: B.Tensor?
  private let tileLists: TileLists<B>
  /// The likeliest token, on the device and for the host, and the last logits for the host.
  private let likeliest: B.Tensor
  private let likeliestRead: B.Tensor
  private let logitsRead: B.Tensor
  /// The recorded steps of one token, for a bound on the length of the text.
  private var steps: [StepKind: (length: Int, program: B.Program)] = [:]

  /// Where the token of a step comes from.
  private enum StepKind { case device, host }

  /// How many tokens a recorded step is good for beyond those there were: it is recorded anew when they are exceeded, so
  /// that attention never looks at many more cells than are filled.
  private static var stepBucket: Int { 256 }

  /// Loads a model.
  ///
  /// - Parameter progress: told the share of the weights that are loaded.
  /// - Throws: `ModelError.outOfMemory` before anything is loaded if it cannot fit; errors of the backend.
  public init(
    _ tensors: ModelTensors, on backend: B, options: SessionOptions, modelName: String,
    progress: @escaping (Double) -> Void = { _ in }
  ) throws {
    let c = tensors.configuration
    guard c.architecture.encoder == nil else { throw ModelError.writesNoText(architecture: c.architecture.name) }
    try options.validate(for: c)
    let layout = CacheLayout(options, for: c)
    let memory = MemoryEstimate(tensors, options) { backend.byteCount($0, $1) }
    let available = backend.availableMemory
    guard memory.total <= available else {
      throw ModelError.outOfMemory(model: modelName, needed: memory, available: available, place: backend.name)
    }
    configuration = c
    self.memory = memory
    self.layout = layout
    keepsAllLogits = options.keepsAllLogits
    self.backend = backend
    context = layout.longestText
    weights = try ModelWeights(
      tensors, on: backend, context: context, encodedIn: options.weightEncoding, progress: progress)
    let rows = layout.passTokens, logitRows = options.keepsAllLogits ? rows : 1
    activations = try Activations(c, rows: rows, logitRows: logitRows, on: backend)
    cache = try KVCache(c, layout, on: backend)
    state = try RecurrentState(c, on: backend)
    tokens = try backend.makeTensor([rows], .i32, at: .hostWritten, label: "tokens")
    positions = try backend.makeTensor([rows], .i32, at: .hostWritten, label: "positions")
    temperatures =
      c.temperature == nil ? nil : try backend.makeTensor([rows], .f32, at: .hostWritten, label: "temperatures")
    tileLists = try TileLists(c, layout, on: backend)
    likeliest = try backend.makeTensor([1], .i32, at: .device, label: "likeliest token")
    likeliestRead = try backend.makeTensor([1], .i32, at: .hostRead, label: "likeliest token, read back")
    logitsRead = try backend.makeTensor(
      [logitRows, c.vocabularySize], .f32, at: .hostRead, label: "logits, read back")
  }

  public func reset() {
    position = 0
    written = 0
    stateIsCurrent = false
  }

  public func rewind(to count: Int) -> Bool {
    guard 0...position ~= count else { return false }
    if count == position { return true }
    if configuration.recurrence != nil {
      guard count == 0 else { return false }
      reset()
      return true
    }
    guard layout.canRewind(from: written, to: count) else { return false }
    position = count
    return true
  }

  public func append(_ tokens: [Int32]) throws {
    try check(tokens)
    if tokens.count == 1 { return try runStep(.host, token: tokens[0]) }
    for (start, chunk) in chunks(of: tokens) {
      try runChunk(chunk, wanting: start + chunk.count == tokens.count ? .last : .none)
    }
  }

  public func logits(appending tokens: [Int32]) throws -> [[Float]] {
    guard keepsAllLogits else {
      throw ModelError.invalidOption("the session was made for the last logits alone")
    }
    try check(tokens)
    let width = configuration.vocabularySize
    return try chunks(of: tokens).flatMap { _, chunk in
      try runChunk(chunk, wanting: .all)
      let values = try backend.floats(of: backend.part(of: logitsRead, from: 0, [chunk.count, width]))
      return (0..<chunk.count).map { Array(values[$0 * width..<($0 + 1) * width]) }
    }
  }

  public func lastLogits() throws -> [Float] {
    let width = configuration.vocabularySize
    return try backend.floats(of: backend.part(of: logitsRead, from: lastRow * width, [width]))
  }

  /// The row of `logitsRead` that belongs to the last token.
  private var lastRow = 0

  public func likeliestToken() throws -> Int32 { try backend.integers(of: likeliestRead)[0] }

  public func appendLikeliestToken() throws -> Int32 {
    guard position < context else { throw ModelError.contextFull(context: context) }
    try runStep(.device, token: nil)
    return try likeliestToken()
  }

  // MARK: Passes

  private func check(_ tokens: [Int32]) throws(ModelError) {
    guard tokens.count <= context - position else { throw .contextFull(context: context) }
    guard configuration.isCausal || tokens.count <= layout.passTokens else {
      throw .invalidOption(
        "\(tokens.count) tokens in chunks of \(layout.passTokens); in a model that is not causal every token of a prompt "
          + "sees all others, so that it must be given at once")
    }
    let vocabulary = configuration.vocabularySize
    if let unknown = tokens.first(where: { $0 < 0 || Int($0) >= vocabulary }) {
      throw .unknownToken(unknown, vocabulary: vocabulary)
    }
  }

  private func chunks(of tokens: [Int32]) -> [(start: Int, tokens: [Int32])] {
    stride(from: 0, to: tokens.count, by: layout.passTokens).map { start in
      (start, Array(tokens[start..<min(start + layout.passTokens, tokens.count)]))
    }
  }

  private func runChunk(_ chunk: [Int32], wanting wanted: LogitsWanted) throws {
    try backend.write(chunk, to: tokens)
    try writePositions(count: chunk.count)
    let program = try backend.makeProgram(label: "\(chunk.count) tokens at \(position)")
    try record(chunk.count, length: position + chunk.count, tokens: tokens, wanting: wanted, into: program)
    try run(program)
    advance(by: chunk.count)
    lastRow = wanted == .all ? chunk.count - 1 : 0
  }

  /// Says where the next tokens are: at their positions in the text, and in the cells of every layer.
  private func writePositions(count: Int) throws {
    let next = position..<position + count
    try backend.write(next.map(Int32.init), to: positions)
    if let temperature = configuration.temperature, let temperatures {
      try backend.write(next.map(temperature.factor), to: temperatures)
    }
    try tileLists.write(next, layout, on: backend)
  }

  private func advance(by count: Int) {
    position += count
    written = max(written, position)
  }

  private func runStep(_ kind: StepKind, token: Int32?) throws {
    if let token { try backend.write([token], to: tokens) }
    try writePositions(count: 1)
    let program = try step(kind)
    try run(program)
    advance(by: 1)
    lastRow = 0
  }

  /// A pass that fails midway leaves states that are of no text, so that there is nothing to go on from.
  private func run(_ program: B.Program) throws {
    guard configuration.recurrence != nil else { return try program.run() }
    if !stateIsCurrent { try state.clear(on: backend) }
    stateIsCurrent = false
    do { try program.run() } catch {
      position = 0
      throw error
    }
    stateIsCurrent = true
  }

  /// The recorded step of one token at the present position.
  private func step(_ kind: StepKind) throws -> B.Program {
    // Once all cells are in use, they stay so.
    let needed = min(position + 1, layout.mostCells)
    if let known = steps[kind], needed <= known.length { return known.program }
    let length = (position / Self.stepBucket + 1) * Self.stepBucket
    let program = try backend.makeProgram(label: "a token of up to \(length)")
    try record(1, length: length, tokens: kind == .device ? likeliest : tokens, wanting: .last, into: program)
    steps[kind] = (length, program)
    return program
  }

  /// Records every step anew from here on; results do not change.
  package func forgetSteps() { steps = [:] }

  private func record(
    _ count: Int, length: Int, tokens: B.Tensor, wanting wanted: LogitsWanted, into program: B.Program
  ) throws {
    let pass = ForwardPass(
      configuration: configuration, weights: weights, activations: activations, layout: layout, cache: cache,
      state: state, tileLists: tileLists, temperatures: temperatures, backend: backend, program: program,
      count: count, length: length)
    try pass.record(tokens: tokens, positions: positions, wanting: wanted)
    guard wanted != .none else { return }
    let width = configuration.vocabularySize, rows = wanted == .all ? count : 1
    let shape: Shape = [rows, width]
    try program.copy(
      backend.part(of: activations.logits, from: 0, shape), to: backend.part(of: logitsRead, from: 0, shape))
    let last = try backend.part(of: activations.logits, from: (rows - 1) * width, [1, width])
    try program.record(ArgMax(rows: 1, width: width), ["x": last, "index": likeliest])
    try program.copy(likeliest, to: likeliestRead)
  }
}
