import PumiceKernels
import PumiceOperators
import PumiceTensors

/// Makes vectors of texts.
public protocol TextEmbedder: AnyObject {
  var configuration: ModelConfiguration { get }
  var memory: MemoryEstimate { get }
  /// Elements of a vector.
  var width: Int { get }

  /// The vectors of texts, several texts at once. A text's vectors have the same bits whatever other texts there are.
  ///
  /// - Parameter texts: their tokens, those that begin and end a text among them.
  /// - Returns: of each text one vector of `width` elements, or without pooling one for each token.
  /// - Throws: `ModelError` for a text that is empty or too long, and for an unknown token.
  func vectors(of texts: [[Int32]]) throws -> [[[Float]]]
}

/// Makes vectors of texts on some backend, with any model that has attention: what its last norm gives for each token,
/// pooled and scaled to length 1 on the device.
public final class Embedder<B: Backend>: TextEmbedder {
  public let configuration: ModelConfiguration
  public let memory: MemoryEstimate
  public let width: Int

  private let options: EmbeddingOptions
  private let backend: B
  private let weights: ModelWeights<B>
  private let activations: Activations<B>
  private let cache: KVCache<B>
  private let tileLists: TileLists<B>
  /// None: recurrent layers are refused.
  private let state: RecurrentState<B>
  /// What queries are multiplied by, [rows]; nil for nothing.
  private let temperatures: B.Tensor?
  /// What the host writes, [rows]; −1 stands for padding.
  private let tokens: B.Tensor
  private let positions: B.Tensor
  /// What pooling goes by: the lengths of texts, or 1 for every token where nothing is pooled.
  private let lengths: B.Tensor
  /// Vectors after pooling, after each further layer and, where there are such, after normalization, [rows, width]; and the
  /// last for the host.
  private let vectors: [B.Tensor]
  private let read: B.Tensor
  private var programs: [PassShape: B.Program] = [:]

  /// The programs that are kept; others are recorded anew.
  private static var mostPrograms: Int { 32 }

  /// Loads a model.
  ///
  /// - Parameter progress: told the share of the weights that are loaded.
  /// - Throws: `ModelError.outOfMemory` before anything is loaded if it cannot fit; errors of the backend.
  public init(
    _ tensors: ModelTensors, on backend: B, options: EmbeddingOptions, modelName: String,
    progress: @escaping (Double) -> Void = { _ in }
  ) throws {
    let c = tensors.configuration
    try options.validate(for: c)
    let memory = MemoryEstimate(tensors, options) { backend.byteCount($0, $1) }
    let available = backend.availableMemory
    guard memory.total <= available else {
      throw ModelError.outOfMemory(model: modelName, needed: memory, available: available, place: backend.name)
    }
    configuration = c
    self.memory = memory
    self.options = options
    self.backend = backend
    weights = try ModelWeights(
      tensors, on: backend, context: options.longestText, encodedIn: options.weightEncoding, purpose: .embeddings,
      progress: progress)
    let rows = options.rows
    activations = try Activations(c, rows: rows, logitRows: 1, on: backend)
    cache = try KVCache(passOf: rows, c, on: backend)
    tileLists = try TileLists(passOf: rows, longest: options.longestText, c, on: backend)
    state = try RecurrentState(c, on: backend)
    temperatures =
      c.temperature == nil ? nil : try backend.makeTensor([rows], .f32, at: .hostWritten, label: "temperatures")
    tokens = try backend.makeTensor([rows], .i32, at: .hostWritten, label: "tokens")
    positions = try backend.makeTensor([rows], .i32, at: .hostWritten, label: "positions")
    lengths = try backend.makeTensor([rows], .i32, at: .hostWritten, label: "lengths of texts")
    let widths = Self.widths(tensors, options)
    vectors = try widths.map { try backend.makeTensor([rows, $0], .f32, at: .device, label: "vectors of texts") }
    width = widths.last!
    read = try backend.makeTensor([rows, width], .f32, at: .hostRead, label: "vectors, read back")
  }

  /// Of the vectors between operators.
  static func widths(_ tensors: ModelTensors, _ options: EmbeddingOptions) -> [Int] {
    let dense = options.pooling == .none ? [] : tensors.dense.map(\.rows.count)
    return [tensors.configuration.embeddingLength] + dense + dense.suffix(1)
  }

  public func vectors(of texts: [[Int32]]) throws -> [[[Float]]] {
    for (index, text) in texts.enumerated() { try check(text, index) }
    var results = [[[Float]]](repeating: [], count: texts.count)
    for batch in TextBatch.batches(of: texts.map(\.count), rows: options.rows) {
      let found = try run(batch.texts.map { texts[$0] }, batch.shape)
      for (text, vectors) in zip(batch.texts, found) { results[text] = vectors }
    }
    return results
  }

  private func check(_ text: [Int32], _ index: Int) throws(ModelError) {
    guard !text.isEmpty else { throw .invalidOption("text \(index + 1) has no tokens") }
    guard text.count <= options.longestText else {
      throw .textTooLong(text: index + 1, tokens: text.count, room: options.longestText)
    }
    let vocabulary = configuration.vocabularySize
    if let unknown = text.first(where: { $0 < 0 || Int($0) >= vocabulary }) {
      throw .unknownToken(unknown, vocabulary: vocabulary)
    }
  }

  // MARK: Passes

  private func run(_ texts: [[Int32]], _ shape: PassShape) throws -> [[[Float]]] {
    let longest = shape.tokens
    func padded(_ values: some Sequence<Int32>, _ count: Int) -> [Int32] {
      values + [Int32](repeating: -1, count: longest - count)
    }
    let places = texts.flatMap { padded(0..<Int32($0.count), $0.count) }
    let counts = texts.map { Int32($0.count) }
    try backend.write(texts.flatMap { padded($0, $0.count) }, to: tokens)
    try backend.write(places, to: positions)
    if let temperature = configuration.temperature, let temperatures {
      try backend.write(places.map { temperature.factor(position: max(0, Int($0))) }, to: temperatures)
    }
    try tileLists.write(positions: places, lengths: counts, configuration, on: backend)
    let isPooled = options.pooling != .none
    try backend.write(isPooled ? counts : [Int32](repeating: 1, count: shape.rows), to: lengths)
    try program(shape).run()
    let rows = isPooled ? texts.count : shape.rows
    let values = try backend.floats(of: backend.part(of: read, from: 0, [rows, width]))
    func vector(_ row: Int) -> [Float] { Array(values[row * width..<(row + 1) * width]) }
    return texts.enumerated().map { index, text in
      isPooled ? [vector(index)] : text.indices.map { vector(index * longest + $0) }
    }
  }

  private func program(_ shape: PassShape) throws -> B.Program {
    if let known = programs[shape] { return known }
    if programs.count >= Self.mostPrograms { programs = [:] }
    let program = try backend.makeProgram(label: "\(shape.sequences) texts of up to \(shape.tokens) tokens")
    let pass = ForwardPass(
      configuration: configuration, weights: weights, activations: activations,
      layout: CacheLayout(wholeTexts: shape.tokens, for: configuration), cache: cache, state: state,
      tileLists: tileLists, temperatures: temperatures, backend: backend, program: program, count: shape.rows,
      length: shape.tokens, sequences: shape.sequences)
    let states = try pass.recordStates(tokens: tokens, positions: positions)
    let pooled = try record(pass, states, shape)
    let rows = options.pooling == .none ? shape.rows : shape.sequences
    try program.copy(
      backend.part(of: pooled, from: 0, [rows, width]), to: backend.part(of: read, from: 0, [rows, width]))
    programs[shape] = program
    return program
  }

  /// Pooling, further layers if texts are pooled, normalization; gives where the vectors are then.
  private func record(_ pass: ForwardPass<B>, _ states: B.Tensor, _ shape: PassShape) throws -> B.Tensor {
    let method = options.pooling.method
    let rows = method == nil ? shape.rows : shape.sequences
    let dense = method == nil ? [] : weights.dense
    // Without pooling every token is a sequence of its own.
    try pass.program.record(
      Pooling(
        method ?? .first, sequences: rows, tokens: method == nil ? 1 : shape.tokens,
        width: configuration.embeddingLength, normalizes: options.normalizes && dense.isEmpty),
      ["x": states, "lengths": lengths, "y": vectors[0]])
    guard !dense.isEmpty else { return vectors[0] }
    for (index, layer) in dense.enumerated() {
      // As many columns as make every product one of the shaders for many; those past the last text are of no use.
      try pass.multiply(layer, vectors[index], rows: PassShape.padded(rows), to: vectors[index + 1])
    }
    // The first of one token is that one, whatever the length.
    try pass.program.record(
      Pooling(.first, sequences: rows, tokens: 1, width: width, normalizes: options.normalizes),
      ["x": vectors[dense.count], "lengths": lengths, "y": vectors.last!])
    return vectors.last!
  }
}
