import PumiceOperators
import PumiceReference
import PumiceTensors
import Testing

/// What numbers become in a cache, and which encodings of them count as right.
@Suite struct CacheEncodingTests {
  /// The values of one row in a cache of that format.
  private func stored(_ numbers: [Double], _ format: String) throws -> [Double] {
    let op = KVAppend(
      tokens: 1, kvHeads: 1, keySize: numbers.count, capacity: 1, keyFormat: try #require(TensorFormat(name: format)))
    let row = [Double](repeating: 0, count: numbers.count)
    return op.evaluate([
      "keys": numbers, "values": numbers, "positions": [5], "cells": [0], "key_cache": row, "value_cache": row,
      "key_positions": [0],
    ])["key_cache"]!
  }

  /// Rows that hold every level of their format, for the scale that the rule gives.
  static let wholeLevels: [(format: String, numbers: [Double])] = {
    let uneven: [Double] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]
    func row(_ number: (Int) -> Double) -> [Double] { (0..<32).map(number) }
    let quantiles = NormalFloatFormat.table(bits: 3).map { Double($0 * 3) }
    return [
      ("q4_0", row { 2 * Double($0 % 16 - 8) }), ("q4_0", row { -2 * Double($0 % 16 - 8) }),
      ("q5_0", row { Double($0 - 16) / 4 }), ("q5_0", row { Double(16 - $0) / 4 }),
      ("q8_0", row { Double(127 - 8 * $0) }), ("q4_1", row { 3 + 2 * Double($0 % 16) }),
      ("q5_1", row { Double($0 - 7) }),
      ("iq4_nl", row { uneven[$0 % 16] / 8 }), ("iq4_nl", row { -uneven[$0 % 16] }),
      ("g3:32", row { Double($0 % 7 - 3) / 2 }), ("g8:row:f32", row { Double(8 * $0 - 127) }),
      ("g2:32:asym", row { Double($0 % 4 - 1) }), ("g5:32:asym:bf16", row { Double($0) / 2 - 4 }),
      ("nf3:16", row { quantiles[$0 % 8] }), ("f16", row { Double($0) / 8 }), ("bf16", row { Double($0) / 8 }),
    ]
  }()

  @Test(arguments: wholeLevels) func levelsAreKept(_ format: String, _ numbers: [Double]) throws {
    #expect(try stored(numbers, format) == numbers)
  }

  @Test func theNearestLevelIsTaken() throws {
    var numbers = [Double](repeating: 0, count: 32)
    numbers.replaceSubrange(0..<5, with: [127, 3.4, 3.6, -3.4, -3.6])
    #expect(try stored(numbers, "q8_0").prefix(6) == [127, 3, 4, -3, -4, 0])
    // The first of equal magnitudes gets the level −8; the other is beyond the last one.
    numbers.replaceSubrange(0..<5, with: [8, -8, 1, 0, 0])
    #expect(try stored(numbers, "q4_0").prefix(3) == [8, -7, 1])
  }

  @Test func limitsAreDefined() throws {
    let zeros = [Double](repeating: 0, count: 32)
    func first(_ numbers: [Double], _ format: String) throws -> [Double] {
      Array(try stored(numbers + zeros.dropFirst(numbers.count), format).prefix(numbers.count))
    }
    for format in ["q4_0", "q5_1", "iq4_nl", "g4:32", "g4:32:asym", "nf4:32:bf16"] {
      #expect(try stored(zeros, format) == zeros, "\(format)")
      #expect(try first([.nan], format) == [0], "\(format)")
      #expect(try first([0x1p-149, -0x1p-130], format) == [0, 0], "\(format)")
    }
    // The scale is the largest binary16 number, and the levels end.
    #expect(try first([1e9, -1e9, 65504], "q8_0") == [65504 * 127, -65504 * 128, 65504])
    #expect(try first([.infinity, -.infinity], "nf4:32:f32") == [0x1p100, -0x1p100])
    #expect(try first([.infinity, 65520, 65519], "f16") == [.infinity, .infinity, 65504])
    #expect(try first([.nan], "f16")[0].isNaN && first([.nan], "bf16")[0].isNaN)
  }

  @Test func otherFormatsAreRefused() {
    func message(_ size: Int, _ format: String, heads: Int = 1) -> String? {
      let op = KVAppend(tokens: 1, kvHeads: heads, keySize: size, capacity: 1, keyFormat: TensorFormat(name: format)!)
      do throws(OperatorError) {
        try op.validate()
        return nil
      } catch { return error.message }
    }
    #expect(message(40, "f16") == nil)
    #expect(message(36, "f16") == "the key size 36 is no multiple of 8")
    #expect(message(40, "q8_0") == "the key size 40 is no multiple of the 32 that q8_0 needs")
    #expect(message(96, "g4:64") == "the key size 96 is no multiple of the 64 that g4:64 needs")
    #expect(message(0, "f16") == "keySize is 0; it must be at least 1")
    #expect(message(256, "f16", heads: 1 << 30) == "there are more keys than 32-bit indices reach")
    for format in ["q4_k", "mxfp4", "i32", "i8", "g1:32", "nf4:32:q8:256:f32", "dgq:128"] {
      #expect(
        message(256, format) == "a cache of keys in \(format) is not supported: it has no encoder", "\(format)")
    }
  }

  // MARK: What is right

  /// Two tokens for two heads, in blocks of 18 bytes whose words are shared by neighbours.
  private static let op = KVAppend(tokens: 2, kvHeads: 2, keySize: 32, capacity: 3, keyFormat: .q4_0)
  private static let cells: [Double] = [2, 0, 1, -1]
  /// None is between two levels.
  private static let numbers = (0..<4 * 32).map { (i: Int) -> Double in
    let number = Double(i * 37 % 101 - 50) / 7
    return number + Double(i % 3) / 100
  }
  private static let before = (0..<op.argument("key_cache").byteCount).map { UInt8(truncatingIfNeeded: $0 * 29 + 1) }

  /// A block, as the rule says or with a mistake.
  private static func block(
    _ numbers: ArraySlice<Double>, scaleError: Int = 0, _ rule: FloatingPointRoundingRule = .toNearestOrEven
  ) -> [UInt8] {
    let exact = numbers.max { abs($0) < abs($1) }! / -8
    let bits = Int(Float16(exact).bitPattern) + scaleError
    let scale = Double(Float16(bitPattern: UInt16(bits)))
    let codes = numbers.map { UInt8(max(0, min(15, ($0 / scale).rounded(rule) + 8))) }
    return [UInt8(bits & 255), UInt8(bits >> 8)] + (0..<16).map { codes[$0] | codes[$0 + 16] << 4 }
  }

  /// The fault that is found where the blocks are those that `make` gives, and written to the rows that `row` gives.
  private func fault(
    row: (_ head: Int, _ cell: Int) -> Int = { 3 * $0 + $1 }, stray: Int? = nil,
    making make: (ArraySlice<Double>) -> [UInt8] = { Self.block($0) }
  ) -> EncodedRows.Fault? {
    let op = Self.op
    var inputs = ["keys": Self.numbers, "values": Self.numbers, "cells": Self.cells, "positions": [7, 8]]
    inputs["key_cache"] = op.keyFormat.decode(Self.before)
    inputs["value_cache"] = inputs["key_cache"]
    inputs["key_positions"] = [Double](repeating: 0, count: 6)
    let expected = op.evaluate(inputs, rounding: .f32, elements: .all)["key_cache"]!
    var found = Self.before
    for (index, cell) in Self.cells.enumerated() where cell >= 0 {
      let start = 18 * row(index % 2, Int(cell))
      found.replaceSubrange(start..<start + 18, with: make(Self.numbers[32 * index..<32 * (index + 1)]))
    }
    if let stray { found[stray] ^= 1 }
    return expected.encoded!.judge(found, before: Self.before).fault
  }

  @Test func theRuleIsRight() { #expect(fault() == nil) }

  @Test func mistakesInBlocksAreFound() {
    #expect(fault(making: { Self.block($0, .towardZero) }) != nil)
    #expect(fault(making: { Self.block($0, .down) }) != nil)
    for error in [-2, -1, 1, 2] { #expect(fault(making: { Self.block($0, scaleError: error) }) != nil, "\(error)") }
    #expect(fault(making: { Self.block($0).enumerated().map { $0 < 2 ? $1 : $1 << 4 | $1 >> 4 } }) != nil)
    #expect(fault(making: { Self.block(ArraySlice($0.reversed())) }) != nil)
    #expect(fault(making: { _ in [UInt8](repeating: 0, count: 18) }) != nil)
    #expect(
      fault(making: { _ in [0xff, 0x7f] + [UInt8](repeating: 0, count: 16) }) != nil, "a scale that is no number")
  }

  @Test func otherPlacesAreFound() {
    #expect(fault(row: { 3 * $0 + ($1 + 1) % 3 }) != nil, "another cell")
    #expect(fault(row: { 3 * (1 - $0) + $1 }) != nil, "another head")
    // Rows 1 and 2 of the first head and row 0 of the second are written.
    #expect(fault(stray: 17)?.reason == "lost byte 17 of the tensor, which is in no row to be written")
    #expect(fault(stray: 72) != nil)
    #expect(fault(stray: 107) != nil)
  }

  /// In the middle between two levels either is right, and nothing else.
  @Test func ofTwoEquallyNearLevelsEitherIsRight() {
    let op = KVAppend(tokens: 1, kvHeads: 1, keySize: 32, capacity: 1, keyFormat: .q4_0)
    var numbers = [Double](repeating: 0.5, count: 32)
    numbers[0] = -8
    let row = [Double](repeating: 0, count: 32)
    let expected = op.evaluate(
      [
        "keys": numbers, "values": numbers, "positions": [0], "cells": [0], "key_cache": row, "value_cache": row,
        "key_positions": [0],
      ], rounding: .f32, elements: .all)["key_cache"]!
    func isRight(_ code: UInt8) -> Bool {
      let block: [UInt8] = [0, 0x3c, code << 4] + [UInt8](repeating: code << 4 | code, count: 15)
      return expected.encoded!.judge(block, before: block).fault == nil
    }
    #expect((UInt8(6)...11).map(isRight) == [false, false, true, true, false, false])
  }
}
