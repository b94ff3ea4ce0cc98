public import PumiceTensors

/// y[i, :] = table[tokens[i], :], decoded to f32. A token outside 0 ..< vocabulary gives a row of zeros, never a read
/// outside the table.
public struct EmbeddingGather: Operator {
  public static let name = OperatorName.embeddingGather

  public var tokens: Int
  public var vocabulary: Int
  public var width: Int
  public var format: TensorFormat

  public init(tokens: Int, vocabulary: Int, width: Int, format: TensorFormat) {
    self.tokens = tokens
    self.vocabulary = vocabulary
    self.width = width
    self.format = format
  }

  public var arguments: [Argument] {
    [
      .input("table", [vocabulary, width], format), .input("tokens", [tokens], .i32), .output("y", [tokens, width]),
    ]
  }
  public var flops: Double { Double(tokens * width) }
  /// Only the gathered rows move, not the whole table.
  public var bytes: Double {
    Double(tokens) * (Double(width) * format.bitsPerElement / 8 + Double(width) * 4 + 4)
  }

  public func validate() throws(OperatorError) {
    try requireSizes(["tokens": tokens, "vocabulary": vocabulary, "width": width])
    try require(width % format.blockLength == 0, "width \(width) is no multiple of the block length of \(format)")
    try require(
      format.byteCount(rows: vocabulary, columns: width) != nil,
      "a table of \(vocabulary)×\(width) does not fit the format \(format.name)")
    try require(!format.isInteger, "a table of \(format.name) has no real values")
  }

  public var description: String { "embedding_gather(\(format.name), \(tokens) of \(vocabulary)×\(width))" }
}
