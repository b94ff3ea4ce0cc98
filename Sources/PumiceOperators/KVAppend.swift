public import PumiceTensors

/// Writes the keys and values of new tokens into the cache: row (s, h, cells[s, t, h]) of a cache becomes new[s, t, h, :] in
/// the cache's format, and key_positions[s, h, cells[s, t, h]] becomes positions[s, t].
///
/// A cache is `[sequences, kvHeads, capacity, size]`, so that the keys of a head are contiguous. A cell may hold any token, and
/// need not be the same for all heads; where it is outside 0 ..< capacity, nothing is written for that head. The tokens of
/// one sequence must have different cells in each head: of two with the same cell parts of either are left.
///
/// Where the heads of a layer are stored in different formats, one operator writes a `part` of them that share a pair of formats:
/// its caches hold the heads of the part and no others, and all other arguments are those of the whole layer.
///
/// Plain numbers are rounded to nearest, ties to even, exactly as IEEE 754 says; what is not a number stays so, with its sign.
/// Codes and scales are those of `CacheEncoding`.
public struct KVAppend: Operator {
  public static let name = OperatorName.kvAppend

  public var sequences: Int
  public var tokens: Int
  public var kvHeads: Int
  /// The heads that are written, those of the caches; nil for all.
  public var part: Range<Int>?
  public var keySize: Int
  public var valueSize: Int
  public var capacity: Int
  public var keyFormat: TensorFormat
  public var valueFormat: TensorFormat

  /// - Parameters:
  ///   - part: the heads that are written; nil for all.
  ///   - valueSize: the length of a value; nil for that of a key.
  ///   - valueFormat: the format of the cached values; nil for that of the keys.
  public init(
    sequences: Int = 1, tokens: Int, kvHeads: Int, part: Range<Int>? = nil, keySize: Int, valueSize: Int? = nil,
    capacity: Int, keyFormat: TensorFormat, valueFormat: TensorFormat? = nil
  ) {
    self.sequences = sequences
    self.tokens = tokens
    self.kvHeads = kvHeads
    self.part = part
    self.keySize = keySize
    self.valueSize = valueSize ?? keySize
    self.capacity = capacity
    self.keyFormat = keyFormat
    self.valueFormat = valueFormat ?? keyFormat
  }

  /// The heads that are written.
  public var writtenHeads: Range<Int> { part ?? 0..<max(0, kvHeads) }

  public var arguments: [Argument] {
    [
      .input("keys", [sequences, tokens, kvHeads, keySize]), .input("values", [sequences, tokens, kvHeads, valueSize]),
      .input("positions", [sequences, tokens], .i32), .input("cells", [sequences, tokens, kvHeads], .i32),
      .inout("key_cache", [sequences, writtenHeads.count, capacity, keySize], keyFormat),
      .inout("value_cache", [sequences, writtenHeads.count, capacity, valueSize], valueFormat),
      .inout("key_positions", [sequences, kvHeads, capacity], .i32),
    ]
  }
  public var flops: Double { 0 }
  /// Only the appended rows move, not the whole cache.
  public var bytes: Double {
    func row(_ size: Int, _ format: TensorFormat) -> Double { Double(size) * (4 + format.bitsPerElement / 8) }
    return Double(sequences * tokens * writtenHeads.count)
      * (row(keySize, keyFormat) + row(valueSize, valueFormat) + 12)
  }

  public func validate() throws(OperatorError) {
    try requireSizes([
      "sequences": sequences, "tokens": tokens, "kvHeads": kvHeads, "keySize": keySize, "valueSize": valueSize,
      "capacity": capacity,
    ])
    try require(part: part, of: kvHeads)
    try validate("key", keySize, keyFormat)
    try validate("value", valueSize, valueFormat)
  }

  private func validate(_ what: String, _ size: Int, _ format: TensorFormat) throws(OperatorError) {
    try requireCache(of: what, size: size, format)
    // Shaders count elements, or halves of what holds fewer.
    for extent in [[sequences, tokens, kvHeads, size], [sequences, kvHeads, capacity, size]] {
      let (count, overflow) = extent.reduce((1, false)) { result, factor in
        let (product, overflow) = result.0.multipliedReportingOverflow(by: factor)
        return (product, result.1 || overflow)
      }
      try require(!overflow && count <= Int(UInt32.max), "there are more \(what)s than 32-bit indices reach")
    }
  }

  public var description: String {
    func named(_ size: Int, _ format: TensorFormat) -> String { "\(format.name) of \(size)" }
    return
      "kv_append(\(named(keySize, keyFormat)) and \(named(valueSize, valueFormat)), \(sequences)×\(tokens) tokens, "
      + "\(kvHeads) heads\(part.map { ", part \($0)" } ?? ""), capacity \(capacity))"
  }
}
