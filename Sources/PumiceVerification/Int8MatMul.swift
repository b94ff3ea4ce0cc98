public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension Int8MatMul: Verifiable {
  public static var problems: [Int8MatMul] {
    let rows = [1, 3, 17, 31, 33, 64, 65, 127, 130], columns = [1, 2, 4, 8, 9, 33, 5, 3]
    let sizes = rows.indices.map { (rows[$0], columns[$0 % columns.count]) }
    let plain = [1, 2, 3, 4, 5, 31, 32, 33, 127, 128, 129, 384, 1023, 1152, 2050]
    let grouped = [(32, 32), (32, 96), (64, 320), (128, 128), (96, 672), (384, 1152), (128, 2176), (4096, 4096)]
    var problems: [Int8MatMul] = []
    func add(_ size: (Int, Int), _ k: Int, _ weight: Weight) {
      problems.append(Int8MatMul(m: size.0, n: size.1, k: k, weight: weight, scaled: problems.count % 3 == 0))
    }
    for (index, k) in plain.enumerated() {
      for shift in [0, 4] { add(sizes[(index + shift) % sizes.count], k, .int8) }
    }
    for (index, lengths) in grouped.enumerated() {
      for shift in [0, 2, 5] { add(sizes[(index + shift) % sizes.count], lengths.1, .dualGrained(group: lengths.0)) }
    }
    return problems
  }

  /// The numbers are integers in any case; what differs is the scales.
  public static var dataKinds: [DataKind] { [.normal, .denormals] }

  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    switch (argument.name, weightSections) {
    case ("x", _): codes(rows: n, of: argument, &random)
    case ("weight", nil): codes(rows: m, of: argument, &random)
    case ("weight", let sections?): dualGrained(sections, of: argument, &random)
    default: nil
    }
  }

  private func dualGrained(
    _ sections: TensorSections, of argument: Argument, _ random: inout RandomSource
  ) -> [UInt8] {
    var bytes = (0..<argument.byteCount).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    func fill(_ section: Int, _ byte: (inout RandomSource) -> UInt8) {
      for at in 0..<sections.sizes[section] { bytes[sections.offsets[section] + at] = byte(&random) }
    }
    // Weights of an encoder stay within a byte; short sums have room for any ratio.
    if k > 2048 { fill(1) { UInt8(1 + $0.below(8)) } }
    fill(2) { UInt8($0.below(16)) }
    for row in 0..<m {
      let scale = littleEndian(Float16(0.01 + random.uniform()).bitPattern)
      bytes.replaceSubrange(sections.offsets[3] + 2 * row..<sections.offsets[3] + 2 * row + 2, with: scale)
    }
    return bytes
  }

  /// Random bytes, the first row the least that there are, and zeros past k.
  private func codes(rows: Int, of argument: Argument, _ random: inout RandomSource) -> [UInt8] {
    let length = argument.byteCount / rows
    return (0..<argument.byteCount).map { at in
      at % length >= k ? 0 : at < length ? 0x80 : UInt8(truncatingIfNeeded: random.next())
    }
  }
}
