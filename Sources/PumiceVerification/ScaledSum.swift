public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension ScaledSum: Verifiable {
  public static var problems: [ScaledSum] {
    let plain = [1, 63, 64, 65, 257].enumerated().map { index, width in
      ScaledSum(rows: [1, 3, 17][index % 3], width: width, scale: 0.25)
    }
    let sums = Addend.allCases.enumerated().flatMap { index, addend in
      [
        ScaledSum(rows: 3, width: 65, addend: addend, addendScale: -1.5),
        ScaledSum(rows: 2, width: 33, scale: 3, addend: addend, rowGain: index == 0, gain: index > 0, inPlace: true),
        ScaledSum(rows: 2, width: 31, scale: -2, addend: addend, rowGain: true, gain: true, range: .softCap(0.75)),
      ]
    }
    return plain + sums + [
      ScaledSum(rows: 5, width: 129, range: .softCap(30)), ScaledSum(rows: 3, width: 40, range: .clamp(0.5)),
      ScaledSum(rows: 3, width: 40, range: .softCap(2), inPlace: true),
    ]
  }
}
