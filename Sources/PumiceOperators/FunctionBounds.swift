// Error bounds of the functions of Shaders/Common/functions.glsl. They are made of exp and division, whose precision the
// Vulkan specification promises, and of polynomials; each bound counts the rounding of every step in units of 2⁻²³.
extension RoundingModel {
  /// Relative error of `accurate_tanh`. Up to 0.625 a polynomial: 4 units. Above, 1 − t with t = 2 / (1 + exp(2z)) at most
  /// 0.45: (6.5 + 4z) · t units for t and one for the difference, as a share of 1 − t most at z = 0.625, where it is 9.
  public static let tanhRelative = 10 * 0x1p-23

  /// Relative error of `logistic(x)` from an argument that is itself wrong by `argument`, relatively: exp by its share
  /// exp(−x) / (1 + exp(−x)) in the sum, the sum, the quotient.
  public static func logisticRelative(_ x: Double, argument: Double = 0) -> Double {
    (expRelative(x) + argument * abs(x)) / (1 + DoubleMath.exponential(x)) + divideRelative + 2 * 0x1p-23
  }

  /// Relative error of `normal_tail(x)`: t = |x|/√2 and its square move the exponent by 3 units of t², exp is wrong by
  /// 3 + 2t² of them, the polynomial by 6, its argument and the quotient by 6.
  public static func normalTailRelative(_ x: Double) -> Double { (15 + 2.5 * x * x) * 0x1p-23 }

  /// The error of `softplus(x)`: of exp(−|x|), the quotient and the polynomial of the logarithm, together 1.2 times what
  /// enters it and 4 units, then the sum.
  public static func softplusError(_ x: Double) -> Double {
    let logarithm = DoubleMath.logarithmOfOnePlus(DoubleMath.exponential(-abs(x)))
    return (1.2 * (6.5 + 2 * abs(x)) + 4) * 0x1p-23 * logarithm + unitF32 * (max(x, 0) + logarithm) + 4 * flush
  }
}
