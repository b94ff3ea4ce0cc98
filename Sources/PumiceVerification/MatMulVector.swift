import PumiceOperators
import PumiceTensors

extension MatMul {
  /// Problems with one to eight columns.
  ///
  /// Rows around each size of a subgroup, 4 to 64, and enough for several rows per lane; sums of one block, an odd number
  /// of blocks (rows that are no whole number of words), whole and broken steps of a subgroup; one sum of 4096 elements per
  /// format, in which a single wrong product must show.
  static var fewColumns: [MatMul] {
    let rows = [1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 131]
    let columns = [1, 2, 3, 8]
    return weightFormats.flatMap { format -> [MatMul] in
      let isPlain = format.blockLength == 1
      let lengths = isPlain ? [1, 2, 31, 32, 33, 67, 127, 128, 258] : [32, 64, 96, 128, 160, 192, 544]
      // Every size meets every number of columns; the lengths rotate, at another pace than the bias.
      let small = rows.indices.flatMap { row in
        columns.indices.map { column in
          MatMul(
            m: rows[row], n: columns[column], k: lengths[(3 * row + column) % lengths.count], weight: format,
            bias: (row + column) % 3 == 0)
        }
      }
      let others = [4, 5, 6, 7].map { MatMul(m: 37, n: $0, k: isPlain ? 99 : 96, weight: format) }
      let tall = [(1, 64), (2, 96), (3, 64), (8, 96)].map { MatMul(m: 4099, n: $0, k: $1, weight: format) }
      return small + others + tall + [MatMul(m: 19, n: 1, k: 4096, weight: format)]
    }
  }
}
