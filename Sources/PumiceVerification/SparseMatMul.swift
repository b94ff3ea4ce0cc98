public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension SparseMatMul: Verifiable {
  public static var problems: [SparseMatMul] {
    let elements = TensorFormat.plainWeights.flatMap { format in
      [(1, 1, 1, 1), (7, 1, 33, 40), (37, 3, 65, 300), (64, 2, 129, 9), (5, 4, 257, 700)].map { m, n, k, count in
        SparseMatMul(layout: .csr, m: m, n: n, k: k, count: count, values: format)
      }
    }
    let formats = TensorFormat.plainWeights + ["q8_0", "q4_0", "g3:32:asym", "nf4:64"].map { TensorFormat(name: $0)! }
    let rows = formats.flatMap { format in
      [(1, 1, 1, 1), (7, 1, 3, 2), (37, 3, 5, 19), (64, 2, 2, 64)].map { m, n, k, count in
        SparseMatMul(
          layout: .rows, m: m, n: n, k: format.blockLength == 1 ? 13 * k : format.blockLength * k, count: count,
          values: format)
      }
    }
    return elements + rows
  }

  /// Rows with none, some and many elements; one element and one row outside of the matrix.
  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    switch argument.name {
    case "starts":
      let cuts = (0..<max(0, m - 1)).map { _ in random.below(count + 1) }.sorted()
      return integers(([0] + cuts + [count]).map { Int32($0) })
    case "columns":
      return integers((0..<count).map { $0 == 2 ? Int32(k) : Int32(random.below(k)) })
    case "indices":
      var chosen: Set<Int> = []
      while chosen.count < count { chosen.insert(random.below(m)) }
      var indices = chosen.sorted().map { Int32($0) }
      if count > 2, count < m { indices[count - 1] = Int32(m) }
      return integers(indices)
    default: return nil
    }
  }
}
