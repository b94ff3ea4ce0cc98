import PumiceGPU
import PumiceKernels
import PumiceOperators
import PumiceTensors
import PumiceVerification
import Testing

/// Layers whose key-value heads are stored in different formats, a part of the heads at a time.
@Suite(.serialized) struct AttentionPartTests {
  /// What the words of outputs hold before: a NaN.
  private static let before: UInt32 = 0x7fc0_1234
  private static let sequences = 2, kvHeads = 4, size = 64, cells = 290

  /// Tokens of two sequences, which the cache takes in the operator's formats, and queries.
  private struct Problem {
    let op: Attention
    let kernels: KernelLibrary
    let keys: [Float], values: [Float], q: [Float]

    init(tokens: Int, _ kernels: KernelLibrary) {
      let masks: [AttentionMask] = (0..<8).map { $0 % 3 == 0 ? .full : .window(40 * $0) | .sinks(3) }
      op = Attention(
        sequences: sequences, tokens: tokens, heads: 8, kvHeads: kvHeads, keySize: size, capacity: 300, keys: cells,
        keyFormat: .f16, mask: .causal & .perHead(masks), outputs: [.logSumExp])
      self.kernels = kernels
      var random = RandomSource(seed: 21)
      func numbers(_ count: Int) -> [Float] { (0..<count).map { _ in Float(random.normal()) } }
      keys = numbers(sequences * cells * kvHeads * size)
      values = numbers(sequences * cells * kvHeads * size)
      q = numbers(op.argument("q").shape.count)
    }

    /// The bits of the rows of y and of their log-sum-exps, for some of the heads in these formats.
    func rows(
      _ part: Range<Int>?, _ keyFormat: TensorFormat, _ valueFormat: TensorFormat, _ variant: Variant<Attention>
    ) throws -> [[UInt32]]? {
      var op = op
      (op.part, op.keyFormat, op.valueFormat) = (part, keyFormat, valueFormat)
      if variant.unavailable(op, on: kernels.device.info) != nil { return nil }
      let append = KVAppend(
        sequences: sequences, tokens: cells, kvHeads: kvHeads, part: part, keySize: size, capacity: op.capacity,
        keyFormat: keyFormat, valueFormat: valueFormat)
      var slices: [String: BufferSlice] = [:]
      for argument in op.arguments {
        let buffer = try kernels.device.makeBuffer(byteCount: argument.storageBytes, label: argument.name)
        if argument.role != .input { try buffer.fill(word: before) }
        slices[argument.name] = buffer.whole
      }
      // Cells are empty until they are written.
      try slices["key_positions"]!.buffer.fill(word: .max)
      try slices["q"]!.buffer.write(q)
      try slices["positions"]!.buffer.write((0..<sequences * op.tokens).map { Int32(cells - 1 - 31 * ($0 % 5)) })
      try slices["lengths"]!.buffer.write(Array(repeating: Int32(cells), count: sequences * kvHeads))
      try slices["totals"]!.buffer.write(Array(repeating: Int32(cells), count: sequences))
      try slices["mask"]!.buffer.write(op.mask.parameters(heads: op.heads))
      func made<T: BitwiseCopyable>(_ values: [T]) throws -> BufferSlice {
        let buffer = try kernels.device.makeBuffer(byteCount: values.count * 4, label: "new tokens")
        try buffer.write(values)
        return buffer.whole
      }
      let order = (0..<sequences).flatMap { _ in (0..<Int32(cells)) }
      let list = try kernels.device.makeCommandList(label: "a part of the heads")
      try kernels.record(
        append,
        [
          "keys": made(keys), "values": made(values), "positions": made(order),
          "cells": made(order.flatMap { repeatElement($0, count: kvHeads) }), "key_cache": slices["k"]!,
          "value_cache": slices["v"]!, "key_positions": slices["key_positions"]!,
        ], into: list)
      var places: [String: BufferSlice] = ["counts": slices["tile_counts"]!, "list": slices["tile_list"]!]
      for argument in op.tiles.arguments where argument.role == .input { places[argument.name] = slices[argument.name] }
      try kernels.record(op.tiles, places, into: list)
      try kernels.record(op, slices, into: list, variant: variant)
      try list.run()
      func words(_ name: String) throws -> [UInt32] {
        try slices[name]!.buffer.read(UInt32.self, count: op.argument(name).shape.count)
      }
      let y = try words("y")
      return try words("log_sum_exp").enumerated().map { Array(y[$0 * size..<($0 + 1) * size]) + [$1] }
    }

    /// The key-value head of a row.
    func head(ofRow row: Int) -> Int { row % op.heads / op.group }
  }

  /// A head has the bits that it has among heads of its own format, whatever part it is computed in, and the rows of other
  /// heads are left alone.
  @Test(arguments: [("f16", "q8_0"), ("q4_0", "bf16"), ("g4:32", "f32")], [1, 9])
  func headsDoNotDependOnTheirPart(formats: (String, String), tokens: Int) throws {
    let problem = Problem(tokens: tokens, KernelLibrary(device: try Device.open()))
    let keyFormat = TensorFormat(name: formats.0)!, valueFormat = TensorFormat(name: formats.1)!
    var tried = 0
    for variant in Attention.variants {
      guard let together = try problem.rows(nil, keyFormat, valueFormat, variant) else { continue }
      #expect(!together.contains { $0.contains(Self.before) })
      for part in [0..<1, 1..<3, 3..<4, 0..<4] {
        let found = try #require(try problem.rows(part, keyFormat, valueFormat, variant))
        for (row, words) in found.enumerated() {
          let isComputed = part.contains(problem.head(ofRow: row))
          let expected = isComputed ? together[row] : Array(repeating: Self.before, count: words.count)
          #expect(words == expected, "\(variant.name), heads \(part), row \(row)")
        }
        tried += 1
      }
    }
    #expect(tried >= 8)
  }

  @Test func partsThatThereAreNot() {
    for (part, message) in [
      (2..<5, "the part 2..<5 does not lie within 4 key-value heads"),
      (-1..<2, "the part -1..<2 does not lie within 4 key-value heads"),
      (3..<3, "the part 3..<3 of the key-value heads is empty"),
    ] {
      let attention = Attention(tokens: 1, heads: 8, kvHeads: 4, part: part, keySize: 64, capacity: 8, keyFormat: .f16)
      let append = KVAppend(tokens: 1, kvHeads: 4, part: part, keySize: 64, capacity: 8, keyFormat: .f16)
      #expect(throws: OperatorError(.attention, message)) { try attention.validate() }
      #expect(throws: OperatorError(.kvAppend, message)) { try append.validate() }
    }
  }
}
