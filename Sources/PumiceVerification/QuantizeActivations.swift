public import PumiceKernels
public import PumiceOperators
public import PumiceReference

extension QuantizeActivations: Verifiable {
  public static var problems: [QuantizeActivations] {
    let widths = [1, 2, 3, 31, 32, 33, 127, 128, 129, 257, 1023]
    return (1...8).flatMap { bits in
      [true, false].flatMap { symmetric -> [QuantizeActivations] in
        if symmetric && bits == 1 { return [] }
        return widths.enumerated().map { index, width in
          QuantizeActivations(rows: [1, 3, 17][(index + bits) % 3], width: width, bits: bits, symmetric: symmetric)
        }
      }
    }
  }
}
