public import PumiceTensors

/// Writes the keys and values of new tokens into the cache: cache[h, positions[t], :] = round(new[t, h, :]).
///
/// The cache is `[kvHeads, capacity, headSize]`, so that the keys of a head are contiguous. Rounding to f16 is to nearest,
/// ties to even, exactly as IEEE 754 says. A token whose position is outside 0 ..< capacity is not written.
public struct KVAppend: Operator {
  public static let name = OperatorName.kvAppend

  public var tokens: Int
  public var kvHeads: Int
  public var headSize: Int
  public var capacity: Int
  public var format: TensorFormat

  public init(tokens: Int, kvHeads: Int, headSize: Int, capacity: Int, format: TensorFormat) {
    self.tokens = tokens
    self.kvHeads = kvHeads
    self.headSize = headSize
    self.capacity = capacity
    self.format = format
  }

  public var arguments: [Argument] {
    [
      .input("keys", [tokens, kvHeads, headSize]), .input("values", [tokens, kvHeads, headSize]),
      .input("positions", [tokens], .i32), .inout("key_cache", [kvHeads, capacity, headSize], format),
      .inout("value_cache", [kvHeads, capacity, headSize], format),
    ]
  }
  public var flops: Double { 0 }
  /// Only the appended rows move, not the whole cache.
  public var bytes: Double { Double(2 * tokens * kvHeads * headSize) * (4 + format.bitsPerElement / 8) }

  public func validate() throws(OperatorError) {
    try requireSizes(["tokens": tokens, "kvHeads": kvHeads, "headSize": headSize, "capacity": capacity])
    try require(format == .f32 || format == .f16, "a cache in \(format.name) is not supported; f32 and f16 are")
    try require(headSize % 2 == 0, "headSize \(headSize) is odd")
    try require(kvHeads * capacity * headSize <= Int(UInt32.max), "the cache is larger than 32-bit indices reach")
  }

  public var description: String {
    "kv_append(\(format.name), \(tokens) tokens, \(kvHeads)×\(headSize), capacity \(capacity))"
  }
}
