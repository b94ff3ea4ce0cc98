import PumiceTensors

/// y[t, h, target.offset + i] = x[t, ⌊h · source.heads / target.heads⌋, source.offset + i] for i < length: a part of every head
/// of one tensor becomes a part of every head of another. What lies beside it in y stays.
///
/// Heads of x are repeated where y has more of them. Latent attention puts keys together so, of a part for each head and a
/// rotated part that all share (DeepSeek-V2), and takes them apart from values; others have queries and gates in one tensor.
public struct HeadCopy: Operator {
  public static let name = OperatorName.headCopy

  /// Where in the heads of a tensor the part lies.
  public struct Part: Codable, Hashable, Sendable {
    public var heads: Int
    public var headSize: Int
    public var offset: Int

    public init(heads: Int, headSize: Int, offset: Int = 0) {
      self.heads = heads
      self.headSize = headSize
      self.offset = offset
    }
  }

  public var tokens: Int
  /// Elements of a head that are copied.
  public var length: Int
  public var source: Part
  public var target: Part

  public init(tokens: Int, length: Int, from source: Part, to target: Part) {
    self.tokens = tokens
    self.length = length
    self.source = source
    self.target = target
  }

  public var arguments: [Argument] {
    let shape: Shape = [tokens, target.heads, target.headSize]
    return [
      .input("x", [tokens, source.heads, source.headSize]),
      length == target.headSize ? .output("y", shape) : .inout("y", shape),
    ]
  }
  public var flops: Double { 0 }
  /// What is copied, read and written.
  public var bytes: Double { 4 * Double(tokens * length) * Double(source.heads + target.heads) }

  public func validate() throws(OperatorError) {
    try requireSizes(["tokens": tokens, "length": length])
    for (name, part) in [("source", source), ("target", target)] {
      try requireSizes(["heads": part.heads, "headSize": part.headSize])
      try require(
        part.offset >= 0 && length <= part.headSize - part.offset,
        "\(length) elements from \(part.offset) are not within a head of \(part.headSize) of the \(name)")
      try require(
        tokens * part.heads * part.headSize <= Int(UInt32.max), "the \(name) is larger than 32-bit indices reach")
    }
    try require(
      target.heads % source.heads == 0, "\(target.heads) heads are no multiple of the source's \(source.heads)")
  }

  public var description: String {
    func text(_ part: Part) -> String { "\(part.heads)×\(part.headSize) from \(part.offset)" }
    return "head_copy(\(tokens) tokens, \(length) of \(text(source)) to \(text(target)))"
  }
}
