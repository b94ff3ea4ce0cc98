public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension BitPlaneMatMul: Verifiable {
  /// All 64 pairs of widths: both signed and both unsigned as they are, mixed with zero points, scales or both in turn. The
  /// sizes rotate.
  public static var problems: [BitPlaneMatMul] {
    let rows = [1, 3, 17, 31, 33, 64, 65, 127, 130], columns = [1, 2, 4, 8, 9, 33, 5, 3]
    let lengths = [128, 256, 384, 1152, 1, 31, 33, 100, 1000, 32, 65]
    var problems: [BitPlaneMatMul] = []
    for pair in 0..<64 {
      for (weightIsSigned, xIsSigned) in [(true, true), (false, false), (true, false), (false, true)] {
        let (q, p) = (pair % 8 + 1, pair / 8 + 1)
        let index = problems.count
        var op = BitPlaneMatMul(
          m: rows[index % rows.count], n: columns[pair % columns.count], k: lengths[index % lengths.count],
          weight: weightIsSigned ? .signed(q) : .unsigned(q), x: xIsSigned ? .signed(p) : .unsigned(p))
        if weightIsSigned != xIsSigned {
          op.zeroPoints = pair % 3 != 0
          op.scaled = pair % 3 != 1
        }
        problems.append(op)
      }
    }
    let balanced = [33, 64, 384].map {
      BitPlaneMatMul(m: 67, n: 3, k: $0, weight: .balanced, x: .signed(8), zeroPoints: $0 == 64)
    }
    return problems + balanced
  }

  public static var dataKinds: [DataKind] { [.normal] }

  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    switch argument.name {
    case "weight": planes(weight, rows: m, &random)
    case "x": planes(x, rows: n, &random)
    case "w_zero": zeros(weight, m, &random)
    case "x_zero": zeros(x, n, &random)
    case "w_sum": integers((0..<m).map { _ in Int32(random.below(2 * k + 1) - k) })
    case "x_sum": integers((0..<n).map { _ in Int32(random.below(2 * k + 1) - k) })
    default: nil
    }
  }

  /// Random codes with zeros past the width. Every third length has the extremes instead: codes that are the least or the
  /// greatest there is.
  private func planes(_ planes: BitPlanes, rows: Int, _ random: inout RandomSource) -> [UInt8]? {
    let words = BitPlanes.words(k)
    // Large problems, which only benchmarks have, are random words, as those of the default are.
    if k % 32 == 0, rows * words > 1 << 16 { return nil }
    let extreme = k % 3 == 0
    let lastMask = k % 32 == 0 ? UInt32.max : (1 << UInt32(k % 32)) - 1
    let isLeast = random.below(2) == 0
    return planes.coefficients.flatMap { coefficient in
      (0..<rows * words).flatMap { index -> [UInt8] in
        var word = UInt32(truncatingIfNeeded: random.next())
        if extreme { word = (coefficient < 0) == isLeast ? .max : 0 }
        if index % words == words - 1 { word &= lastMask }
        return littleEndian(word)
      }
    }
  }

  private func zeros(_ planes: BitPlanes, _ count: Int, _ random: inout RandomSource) -> [UInt8] {
    integers((0..<count).map { _ in Int32(planes.least + random.below(planes.greatest - planes.least + 1)) })
  }
}
