public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension ExpertSum: Verifiable {
  public static var problems: [ExpertSum] {
    [(1, 1, 1), (1, 2, 63), (3, 8, 64), (17, 3, 65), (2, 10, 257)].map {
      ExpertSum(tokens: $0, slots: $1, width: $2, accumulates: $0 % 2 == 1 && $1 != 2)
    }
  }
}
