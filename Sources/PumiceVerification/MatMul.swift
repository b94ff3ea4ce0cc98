public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension MatMul: Verifiable {
  /// The formats that every shape is tried with: one of each way in which rows lie.
  static let weightFormats = TensorFormat.plainWeights + [.q4_0, .q8_0]

  public static var problems: [MatMul] {
    weightFormats.flatMap { format -> [MatMul] in
      let lengths = format.blockLength == 1 ? [1, 31, 64, 67] : [32, 64, 96]
      return [(1, 1), (7, 1), (33, 1), (65, 2), (16, 16), (17, 33)].flatMap { m, n in
        lengths.map { MatMul(m: m, n: n, k: $0, weight: format, bias: m == 33 || n == 33) }
      }
    } + fewColumns + manyColumns + blockFormats + sectionedFormats + sums
  }

  /// Every block format with one row and several, few columns and many, of one block, an odd number of blocks (rows that are
  /// no whole number of words) and an even one; and a sum of many blocks, in which a single wrong product must show.
  private static var blockFormats: [MatMul] {
    let shapes = [(1, 1), (7, 1), (33, 2), (65, 1), (37, 19)]
    return BlockFormat.allCases.indices.flatMap { index -> [MatMul] in
      let format = BlockFormat.allCases[index]
      let problems = shapes.indices.map { shape in
        let (m, n) = shapes[shape]
        let blocks = shape == 0 ? 1 : [1, 3, 2, 5][(shape + index) % 4]
        return MatMul(
          m: m, n: n, k: blocks * format.length, weight: .block(format), bias: (shape + index) % 3 == 0)
      }
      return problems + [MatMul(m: 9, n: 1, k: 8 * max(256, format.length), weight: .block(format))]
    }
  }

  /// Products that are added to what y holds.
  private static var sums: [MatMul] {
    [TensorFormat.f32, .f16, .q8_0].flatMap { format in
      [(1, 1), (33, 1), (65, 3), (37, 19), (64, 65)].flatMap { m, n in
        [64, 544].map { MatMul(m: m, n: n, k: $0, weight: format, bias: m == 65, accumulates: true) }
      }
    }
  }

  /// Every format with sections, with one row and several, few columns and many.
  private static var sectionedFormats: [MatMul] {
    let shapes = [(1, 1), (7, 1), (33, 3), (65, 1), (37, 19)]
    return TensorFormat.sectionedSamples.enumerated().flatMap { index, format -> [MatMul] in
      shapes.indices.map { shape in
        // Layouts that keep rows together need whole sets of them.
        let m = (shapes[shape].0 + format.rowsTogether - 1) / format.rowsTogether * format.rowsTogether
        // One group, an odd number, and an even one.
        let k = format.blockLength * [1, 3, 2, 5][(shape + index) % 4]
        return MatMul(m: m, n: shapes[shape].1, k: k, weight: format, bias: (shape + index) % 3 == 0)
      }
    }
  }
}

extension TensorFormat {
  /// Of each kind of format with sections, every width and everything else that shaders are compiled for.
  static var sectionedSamples: [TensorFormat] {
    GroupFormat.samples.map { .group($0) }
      + [
        "nf2:64", "nf3:16:f32", "nf4:32:bf16", "nf4:64:q8:256:f32", "nf3:32:q3:16:f16", "nf2:16:q2:64:bf16",
        "nf4:96:q4:5:f16", "nf8:16", "nf8:64:q8:256:f32", "palette1", "palette2:rows3", "palette3:pairs",
        "palette4:rows16:f32", "palette6:bf16",
        "palette8:pairs:rows5", "dgq:32", "dgq:96", "dgq:128", "gptq2:64", "gptq3:32:v2", "gptq4:128",
        "gptq8:row", "gptq4:32:ordered", "gptq3:64:ordered:v2", "awq4:32", "awq4:128",
      ].map { TensorFormat(name: $0)! }
  }

  /// Rows that no tensor may have a part of.
  var rowsTogether: Int { (1...32).first { byteCount(rows: $0, columns: blockLength) != nil } ?? 1 }
}

extension GroupFormat {
  /// Every width with both offsets; lengths of groups and formats of the scales rotate, at different paces: the shortest
  /// group, one whose steps are longer, one that no power of two divides, and whole rows.
  static var samples: [GroupFormat] {
    (1...8).flatMap { bits in
      Offset.allCases.indices.flatMap { offset in
        (0..<2).map { turn in
          GroupFormat(
            bits: bits, group: [32, 64, 96, nil, 128][(2 * bits + offset + 3 * turn) % 5],
            offset: Offset.allCases[offset], scale: NumberFormat.allCases[(bits + turn) % 3])!
        }
      }
    }
  }
}
