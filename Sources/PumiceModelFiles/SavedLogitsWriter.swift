/// Writes a file of `SavedLogits`, one prediction at a time; nothing is at its path before `finish`.
public final class SavedLogitsWriter {
  /// Log-probabilities are kept down to this far below the likeliest token's.
  private static let range: Float = 16

  private let path: String
  private let file: NewFile
  private let vocabularySize: Int
  private var missing: Int

  /// Begins a file.
  ///
  /// - Parameter tokens: whole chunks.
  /// - Throws: `inputOutput` when the system refuses, `invalidMetadata` for numbers that the format cannot hold.
  public init(path: String, chunkLength: Int, vocabularySize: Int, tokens: [Int32]) throws(ModelFileError) {
    guard let length = Int32(exactly: chunkLength), let vocabulary = Int32(exactly: vocabularySize),
      SavedLogits.isPossible(chunkLength: chunkLength, vocabularySize: vocabularySize),
      let chunks = Int32(exactly: tokens.count / chunkLength), chunks >= 1, tokens.count % chunkLength == 0
    else {
      throw ModelFileError(
        file: path, code: .invalidMetadata,
        detail: "\(tokens.count) tokens in chunks of \(chunkLength), of a vocabulary of \(vocabularySize), "
          + "cannot be saved")
    }
    self.path = path
    self.vocabularySize = vocabularySize
    missing = Int(chunks) * SavedLogits.rows(chunkLength: chunkLength)
    file = try NewFile(path: path)
    var header = ByteWriter()
    header.append(SavedLogits.magic)
    for number in [length, vocabulary, chunks] + tokens { header.append(number) }
    try file.append(header.bytes)
  }

  /// Appends the next prediction.
  ///
  /// - Parameters:
  ///   - logits: [vocabularySize], all of them numbers or −∞.
  ///   - logSum: ln Σ exp(logit).
  /// - Precondition: there is one left to be appended.
  public func append(logits: [Float], logSum: Double) throws(ModelFileError) {
    precondition(missing > 0 && logits.count == vocabularySize, "\(logits.count) logits, \(missing) predictions left")
    missing -= 1
    let largest = logits.max()!
    let smallest = max(logits.min()!, largest - Self.range)
    let scale = (largest - smallest) / 65535
    var row = ByteWriter()
    row.append(scale.bitPattern)
    row.append(Float(Double(smallest) - logSum).bitPattern)
    for logit in logits {
      row.append(scale > 0 ? UInt16(min(65535, (max(0, logit - smallest) / scale).rounded())) : 0)
    }
    if vocabularySize % 2 == 1 { row.append(0 as UInt16) }
    try file.append(row.bytes)
  }

  /// Puts the file in its place.
  ///
  /// - Precondition: all predictions were appended.
  public func finish() throws(ModelFileError) {
    precondition(missing == 0, "\(missing) predictions of \(path) are missing")
    try file.commit()
  }
}
