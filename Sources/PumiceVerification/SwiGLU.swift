public import PumiceKernels
public import PumiceOperators
public import PumiceReference

extension SwiGLU: Verifiable {
  public static var problems: [SwiGLU] { [1, 2, 63, 64, 65, 257, 1031, 40_000].map(SwiGLU.init) }
}
