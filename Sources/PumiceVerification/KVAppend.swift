public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension KVAppend: Verifiable {
  /// Every format for keys and for values, in rows of one to three blocks, so that blocks of a scale and its codes begin at
  /// either half of a word, and in many shapes: one cell, all cells, one sequence or several.
  public static var problems: [KVAppend] {
    let formats = cacheFormats
    return formats.indices.flatMap { index in
      (1...3).map { blocks in
        let value = formats[(index + 7 * blocks) % formats.count]
        let shapes = blocks == 2 ? extremeShapes : shapes
        let (sequences, tokens, kvHeads, capacity) = shapes[(index + blocks) % shapes.count]
        return KVAppend(
          sequences: sequences, tokens: tokens, kvHeads: kvHeads, keySize: blocks * formats[index].blockMultiple,
          valueSize: (1 + (blocks + index) % 3) * value.blockMultiple, capacity: capacity, keyFormat: formats[index],
          valueFormat: value)
      }
    }
      // Both caches at once.
      + formats.enumerated().map { index, format in
        let (sequences, tokens, kvHeads, capacity) = (shapes + extremeShapes)[
          index % (shapes.count + extremeShapes.count)]
        return KVAppend(
          sequences: sequences, tokens: tokens, kvHeads: kvHeads, keySize: (1 + index % 3) * format.blockMultiple,
          capacity: capacity, keyFormat: format)
      }
      // Some of the heads, whose rows share words with one another alone; both caches apart and at once.
      + ["f32", "f16", "q8_0", "q4_0", "g4:row", "nf3:16"].map { TensorFormat(name: $0)! }.flatMap { format in
        [(2, 9, 3, 9, 1..<3), (3, 5, 4, 7, 1..<3), (2, 1, 4, 5, 3..<4), (1, 3, 2, 4, 0..<1)].map {
          sequences, tokens, kvHeads, capacity, part in
          KVAppend(
            sequences: sequences, tokens: tokens, kvHeads: kvHeads, part: part, keySize: 3 * format.blockMultiple,
            valueSize: tokens == 9 ? format.blockMultiple : nil, capacity: capacity, keyFormat: format)
        }
      }
  }

  /// Sequences, tokens, heads and capacity.
  private static let shapes = [
    (1, 1, 1, 1), (1, 1, 2, 5), (1, 3, 3, 17), (2, 17, 1, 33), (1, 65, 2, 66), (4, 1, 3, 9), (2, 9, 2, 9), (2, 1, 5, 1),
  ]
  /// Those with the data of `extremes`, the same for every kind of data but for the cache before.
  private static let extremeShapes = [(3, 5, 4, 7), (2, 7, 2, 7)]

  /// Plain numbers, blocks, groups of every width with each type of scales and kind of length, and quantiles.
  static var cacheFormats: [TensorFormat] {
    let blocks: [TensorFormat] = [.q8_0, .q5_1, .q5_0, .q4_1, .q4_0, .iq4_nl].map { .block($0) }
    let groups = (2...8).flatMap { bits in
      [GroupFormat.Offset.symmetric, .bias].map { offset in
        let kind = 2 * bits + (offset == .bias ? 1 : 0)
        return TensorFormat.group(
          GroupFormat(
            bits: bits, group: [32, 64, nil, 96, 128][kind % 5], offset: offset, scale: NumberFormat.allCases[kind % 3])!
        )
      }
    }
    let others = [
      "g4:32", "g4:row", "g4:row:asym", "g4:64:asym", "g8:row:bf16", "g3:32:asym:f32", "nf2:16", "nf2:64:f32", "nf3:32",
      "nf3:16:bf16", "nf4:32", "nf4:64:bf16", "nf4:16:f32", "nf4:128", "nf8:64",
    ].map { TensorFormat(name: $0)! }
    return TensorFormat.plainWeights + blocks + groups + others
  }

  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    switch argument.name {
    case "cells": integers(cells(&random))
    case "keys" where hasExtremes, "values" where hasExtremes:
      integers((0..<argument.shape.rows).flatMap { _ in Self.extremes(argument.shape.rowLength, &random) })
    default: nil
    }
  }

  private var hasExtremes: Bool { Self.extremeShapes.contains { $0.1 == tokens } }

  /// For every head of every sequence different cells in no order, some outside the cache.
  private func cells(_ random: inout RandomSource) -> [Int32] {
    var cells = [Int32](repeating: 0, count: sequences * tokens * kvHeads)
    for sequence in 0..<sequences {
      for head in 0..<kvHeads {
        var free = (0..<Int32(max(capacity, tokens))).shuffled(using: &random)
        if tokens > 2 {
          free[head % tokens] = [-1, Int32(capacity), .max, .min][(sequence + head) % 4]
        }
        for token in 0..<tokens { cells[(sequence * tokens + token) * kvHeads + head] = free[token] }
      }
    }
    return cells
  }

  /// The bits of numbers that are hard to encode.
  private static func extremes(_ count: Int, _ random: inout RandomSource) -> [Int32] {
    let kind = random.below(8), size = Float(random.normal())
    return (0..<count).map { _ in
      let number: Float =
        switch kind {
        // In the middle between two levels where the scale is 1, ½ …
        case 0: Float(random.below(33) - 16) / 2
        case 1: Float(random.below(509) - 254) / 2
        // Equal magnitudes of either sign: the first one decides.
        case 2: random.below(2) == 0 ? size : -size
        // Scales that are subnormal in binary16, or vanish.
        case 3: Float(random.normal()) * 0x1p-18
        case 4: Float(random.normal()) * 0x1p-97
        // Scales beyond binary16, and numbers beyond what is told from others.
        case 5: Float(random.normal()) * 0x1p24
        case 6:
          [
            .nan, Float(bitPattern: 0xffff_ffff), Float(bitPattern: 0x7f80_0001), .infinity, -.infinity,
            .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 0x1p-140, -0x1p-149, 0x1p-14, 0x1.ffcp-15, 0x1p-25,
            0x1.8p-24, -0x1.4p-23, 0x1.4p-23, 65519.996, 65520, -0.0, 1e30, 0x1.01p-3, -0x1.03p2,
          ][random.below(21)]
        // All near one another and far from zero: nothing but an offset can tell them apart.
        default: size * 1000 + Float(random.normal()) / 64
        }
      return Int32(bitPattern: number.bitPattern)
    }
  }
}

extension TensorFormat {
  /// The shortest row of a cache.
  fileprivate var blockMultiple: Int { max(8, blockLength) }
}
