import PumiceOperators
import PumiceTensors

extension MatMul {
  /// Problems with many columns. Tiles are 16 or 64 columns, 16, 32 or 64 rows (with subgroups of 4, 8 or 16) or 64, and 32
  /// or 512 elements of k: each size less one, itself and one more, primes, and every other sum with a bias.
  static var manyColumns: [MatMul] {
    let sizes = [
      (1, 9), (15, 16), (16, 17), (17, 15), (31, 64), (32, 16), (33, 31), (37, 23), (63, 65), (64, 64), (65, 63),
      (127, 11),
      (129, 17), (5, 97),
    ]
    return weightFormats.flatMap { format -> [MatMul] in
      let lengths = format.blockLength == 1 ? [1, 7, 31, 32, 33, 67] : [32, 64, 96]
      let problems = sizes.enumerated().flatMap { index, size in
        // Two lengths for each size, so that all pairs of lengths and tiles come up, but not all triples.
        [index, index + 1].map { at in
          MatMul(m: size.0, n: size.1, k: lengths[at % lengths.count], weight: format, bias: at % 2 == 1)
        }
      }
      let long = format.blockLength == 1 ? [511, 512, 513, 1031] : [480, 512, 544, 1056]
      return problems + long.map { MatMul(m: 37, n: 19, k: $0, weight: format, bias: $0 != 512) }
    }
  }
}
