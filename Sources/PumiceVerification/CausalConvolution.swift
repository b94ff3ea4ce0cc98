public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension CausalConvolution: Verifiable {
  /// Fewer tokens than the state holds, as many, and more.
  public static var problems: [CausalConvolution] {
    [(1, 1, 4), (1, 65, 4), (2, 63, 4), (3, 64, 4), (17, 33, 4), (5, 66, 2), (2, 31, 7), (19, 129, 3)].enumerated().map
    {
      CausalConvolution(
        tokens: $1.0, channels: $1.1, taps: $1.2, bias: $0 % 2 == 0, silu: $0 % 3 != 2)
    }
  }
}
