public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension Int8MatMul: Verifiable {
  public static var problems: [Int8MatMul] {
    let rows = [1, 3, 17, 31, 33, 64, 65, 127, 130], columns = [1, 2, 4, 8, 9, 33, 5, 3]
    let sizes = rows.indices.map { (rows[$0], columns[$0 % columns.count]) }
    let plain = [1, 2, 3, 4, 5, 31, 32, 33, 127, 128, 129, 384, 1023, 1152, 2050]
    let grouped = [(8, 8), (32, 32), (32, 96), (64, 320), (128, 128), (128, 640), (384, 1152), (256, 2048)]
    var problems: [Int8MatMul] = []
    func add(_ size: (Int, Int), _ k: Int, _ weight: Weight) {
      problems.append(Int8MatMul(m: size.0, n: size.1, k: k, weight: weight, scaled: problems.count % 3 == 0))
    }
    for (index, k) in plain.enumerated() {
      for shift in [0, 4] { add(sizes[(index + shift) % sizes.count], k, .int8) }
    }
    for (index, lengths) in grouped.enumerated() {
      for shift in [0, 2, 5] { add(sizes[(index + shift) % sizes.count], lengths.1, .int4(group: lengths.0)) }
    }
    return problems
  }

  /// The numbers are integers in any case; what differs is the scales.
  public static var dataKinds: [DataKind] { [.normal, .denormals] }

  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    switch argument.name {
    case "zero": return (0..<argument.byteCount).map { _ in UInt8(random.below(16)) }
    // Weights of an encoder stay within a byte; smaller sums have room for any ratio.
    case "ratio":
      return (0..<argument.byteCount).map { _ in
        k > 2048 ? UInt8(1 + random.below(8)) : UInt8(truncatingIfNeeded: random.next())
      }
    case "x": return codes(rows: n, of: argument, &random)
    case "weight": return weight == .int8 ? codes(rows: m, of: argument, &random) : nil
    default: return nil
    }
  }

  /// Random bytes, the first row the least that there are, and zeros past k.
  private func codes(rows: Int, of argument: Argument, _ random: inout RandomSource) -> [UInt8] {
    let length = argument.byteCount / rows
    return (0..<argument.byteCount).map { at in
      at % length >= k ? 0 : at < length ? 0x80 : UInt8(truncatingIfNeeded: random.next())
    }
  }
}
