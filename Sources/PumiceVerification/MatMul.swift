public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension MatMul: Verifiable {
  public static var problems: [MatMul] {
    (TensorFormat.plainWeights + TensorFormat.blockWeights).flatMap { format -> [MatMul] in
      let lengths = format.blockLength == 1 ? [1, 31, 64, 67] : [32, 64, 96]
      return [(1, 1), (7, 1), (33, 1), (65, 2), (16, 16), (17, 33)].flatMap { m, n in
        lengths.map { MatMul(m: m, n: n, k: $0, weight: format, bias: m == 33 || n == 33) }
      }
    } + fewColumns + manyColumns
  }
}
