/// The predictions that a base model made for a text, chunk by chunk, to compare others with.
///
/// The format is that of llama.cpp's `--kl-divergence-base`, so that either program reads what the other wrote. All
/// numbers are little-endian:
///
/// - 8 bytes `_logits_`; the chunk length n, the vocabulary size v and the number of chunks, 32 bits each
/// - the tokens of all chunks, 32 bits each
/// - for every chunk and each of its scored positions (see `firstScored`): an f32 scale and an f32 minimum, then v codes
///   of 16 bits, then one of padding if v is odd. The log-probability of a token is minimum + scale · code
///
/// The codes reach down to 16 below the likeliest token's log-probability; what is less likely counts as that.
public final class SavedLogits: Sendable {
  static let magic: [UInt8] = Array("_logits_".utf8)
  static let headerBytes = 20

  /// The path as it was given.
  public let path: String
  /// Tokens of one chunk.
  public let chunkLength: Int
  public let vocabularySize: Int
  /// The text: whole chunks, as it was tokenized (a model may have seen another token at the beginning of each).
  public let tokens: [Int32]
  private let bytes: FileBytes

  public var chunkCount: Int { tokens.count / chunkLength }
  /// The position in each chunk whose prediction is the first one saved.
  public var firstScored: Int { Self.firstScored(chunkLength: chunkLength) }

  static func firstScored(chunkLength: Int) -> Int { chunkLength / 2 }
  /// Predictions of one chunk: none for the first half, and none after the last token.
  static func rows(chunkLength: Int) -> Int { chunkLength - 1 - firstScored(chunkLength: chunkLength) }
  static func rowBytes(vocabularySize: Int) -> Int { 8 + (vocabularySize + 1) / 2 * 4 }

  /// Maps a file and checks that all that it announces is there.
  ///
  /// - Throws: what is wrong with the file.
  public convenience init(path: String) throws(ModelFileError) {
    try self.init(path: path, FileBytes(mapping: path))
  }

  /// Reads a file from memory.
  ///
  /// - Parameter name: stands for the path in messages.
  public convenience init(bytes: some Collection<UInt8>, name: String = "(memory)") throws(ModelFileError) {
    try self.init(path: name, FileBytes(copying: bytes))
  }

  private init(path: String, _ bytes: FileBytes) throws(ModelFileError) {
    func failure(_ code: ModelFileError.Code, _ detail: String) -> ModelFileError {
      ModelFileError(file: path, code: code, detail: detail)
    }
    var reader = ByteReader(bytes: bytes.buffer)
    guard let magic = reader.skip(Self.magic.count), magic.elementsEqual(Self.magic) else {
      throw failure(.notSavedLogits, "not a file of saved logits: it does not begin with “_logits_”")
    }
    guard let header = reader.read(Int32.self, count: 3)?.map(Int.init) else {
      throw failure(.truncated, "the file ends inside its header")
    }
    let (length, vocabulary, chunks) = (header[0], header[1], header[2])
    guard Self.isPossible(chunkLength: length, vocabularySize: vocabulary), chunks >= 1 else {
      throw failure(
        .invalidMetadata, "\(chunks) chunks of \(length) tokens of a vocabulary of \(vocabulary) are impossible")
    }
    let (tokenCount, overflow) = chunks.multipliedReportingOverflow(by: length)
    guard !overflow, let tokens = reader.read(Int32.self, count: tokenCount) else {
      throw failure(.truncated, "the file ends inside its \(chunks) chunks of \(length) tokens")
    }
    if let wrong = tokens.first(where: { $0 < 0 || Int($0) >= vocabulary }) {
      throw failure(.invalidMetadata, "token \(wrong) is outside its vocabulary of \(vocabulary)")
    }
    // Neither product overflows: each factor was compared with the file, or is below 2³².
    let rows = chunks * Self.rows(chunkLength: length)
    let (expected, tooLarge) = rows.multipliedReportingOverflow(by: Self.rowBytes(vocabularySize: vocabulary))
    guard !tooLarge, reader.remaining >= expected else {
      throw failure(.truncated, "the file ends inside the predictions of its \(chunks) chunks")
    }
    guard reader.remaining == expected else {
      throw failure(.invalidMetadata, "\(reader.remaining - expected) bytes come after the last prediction")
    }
    self.path = path
    chunkLength = length
    vocabularySize = vocabulary
    self.tokens = tokens
    self.bytes = bytes
  }

  static func isPossible(chunkLength: Int, vocabularySize: Int) -> Bool {
    rows(chunkLength: chunkLength) >= 1 && vocabularySize >= 1
  }

  /// Log-probabilities of every token of the vocabulary at one position.
  public struct Prediction {
    public var minimum: Float
    public var scale: Float
    public var codes: [UInt16]

    public init(minimum: Float, scale: Float, codes: [UInt16]) {
      self.minimum = minimum
      self.scale = scale
      self.codes = codes
    }

    /// ln p of a token.
    public func logProbability(of token: Int) -> Double {
      Double(minimum) + Double(scale) * Double(codes[token])
    }
  }

  /// The prediction at a position of a chunk, counted from `firstScored`.
  ///
  /// - Throws: `invalidMetadata` when its scale or minimum are not numbers that log-probabilities can have.
  /// - Precondition: chunk and row exist.
  public func prediction(chunk: Int, row: Int) throws(ModelFileError) -> Prediction {
    let rows = Self.rows(chunkLength: chunkLength), size = Self.rowBytes(vocabularySize: vocabularySize)
    precondition((0..<chunkCount).contains(chunk) && (0..<rows).contains(row), "row \(row) of chunk \(chunk)")
    let start = Self.headerBytes + tokens.count * 4 + (chunk * rows + row) * size
    var reader = ByteReader(bytes: UnsafeRawBufferPointer(rebasing: bytes.buffer[start..<start + size]))
    guard let numbers = reader.read(UInt32.self, count: 2)?.map(Float.init(bitPattern:)),
      let codes = reader.read(UInt16.self, count: vocabularySize), numbers[0] >= 0, numbers[0].isFinite,
      numbers[1].isFinite
    else {
      throw ModelFileError(
        file: path, code: .invalidMetadata, subject: "chunk \(chunk + 1), position \(firstScored + row)",
        detail: "its scale or its minimum is not a number that a prediction can have")
    }
    return Prediction(minimum: numbers[1], scale: numbers[0], codes: codes)
  }
}
