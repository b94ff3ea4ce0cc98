public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension MatMul: Verifiable {
  /// The formats that every shape is tried with.
  static let weightFormats = TensorFormat.plainWeights + TensorFormat.blockWeights

  public static var problems: [MatMul] {
    weightFormats.flatMap { format -> [MatMul] in
      let lengths = format.blockLength == 1 ? [1, 31, 64, 67] : [32, 64, 96]
      return [(1, 1), (7, 1), (33, 1), (65, 2), (16, 16), (17, 33)].flatMap { m, n in
        lengths.map { MatMul(m: m, n: n, k: $0, weight: format, bias: m == 33 || n == 33) }
      }
    } + fewColumns + manyColumns + groupFormats
  }

  /// Every width in every kind of group format, with one row and several, few columns and many.
  ///
  /// The lengths of groups are the shortest, one whose steps are longer, one that no power of two divides, and whole rows.
  private static var groupFormats: [MatMul] {
    let shapes = [(1, 1), (7, 1), (33, 3), (65, 1), (37, 19)]
    var index = 0
    return GroupFormat.samples.flatMap { format -> [MatMul] in
      let unit = format.group ?? 32
      index += 1
      return shapes.indices.map { shape in
        let (m, n) = shapes[shape]
        // One group, an odd number, and an even one.
        let k = unit * [1, 3, 2, 5][(shape + index) % 4]
        return MatMul(m: m, n: n, k: k, weight: .group(format), bias: (shape + index) % 3 == 0)
      }
    }
  }
}

extension GroupFormat {
  /// Every width with both offsets; lengths of groups and formats of the scales rotate, at different paces.
  static var samples: [GroupFormat] {
    (1...8).flatMap { bits in
      Offset.allCases.indices.flatMap { offset in
        (0..<2).map { turn in
          GroupFormat(
            bits: bits, group: [32, 64, 96, nil, 128][(2 * bits + offset + 3 * turn) % 5],
            offset: Offset.allCases[offset], scale: Scale.allCases[(bits + turn) % 3])!
        }
      }
    }
  }
}
