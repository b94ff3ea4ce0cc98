public import PumiceKernels
public import PumiceOperators
public import PumiceReference

extension RMSNorm: Verifiable {
  public static var problems: [RMSNorm] {
    [1, 3, 17].flatMap { rows in
      [1, 31, 32, 33, 127, 128, 129, 257, 1024].flatMap { width in
        [false, true].map { RMSNorm(rows: rows, width: width, epsilon: width % 2 == 0 ? 1e-5 : 1e-6, addsResidual: $0) }
      }
    }
  }
}
