/// Where a kernel variant rounds, as unit roundoffs; the bounds that verification holds it to follow from these.
///
/// A sum of k products computed with unit roundoff u has, with overwhelming probability, an error of at most
/// λ·√k·u·Σ|aᵢbᵢ| with a small λ (Higham & Mary 2019, "A new approach to probabilistic rounding error analysis");
/// λ = 8 makes the failure probability per element less than 1e-13.
public struct RoundingModel: Hashable, Codable, Sendable {
  /// Unit roundoff of operands that the variant rounds before it multiplies; 0 if it uses them as stored.
  public var operands: Double
  /// Unit roundoff of the accumulator.
  public var accumulator: Double
  /// Unit roundoff of what is written.
  public var output: Double

  public init(operands: Double = 0, accumulator: Double, output: Double) {
    self.operands = operands
    self.accumulator = accumulator
    self.output = output
  }

  /// Unit roundoff of binary32. Twice that of round-to-nearest, because Vulkan allows either neighbour.
  public static let unitF32 = 0x1p-23
  /// Everything in binary32, operands as stored.
  public static let f32 = RoundingModel(accumulator: unitF32, output: unitF32)

  /// λ of the probabilistic bound.
  public static let lambda = 8.0
  /// The largest error of replacing one subnormal binary32 number by zero, which Vulkan allows.
  public static let flush = 0x1p-126

  /// The bound for a sum of `length` products with Σ|aᵢbᵢ| = `magnitude`, before it is written.
  public func dotProduct(length: Int, magnitude: Double) -> Double {
    (2 * operands + Self.lambda * Double(length).squareRoot() * accumulator) * magnitude
  }

  /// The bound for writing `value` to the output.
  public func store(_ value: Double) -> Double { output * abs(value) + Self.flush }

  /// Relative error bound of Vulkan's `exp(x)` in binary32: 3 + 2·|x| units in the last place (Vulkan specification,
  /// "Precision of GLSL.std.450 instructions").
  public static func expRelative(_ x: Double) -> Double { (3 + 2 * abs(x)) * 0x1p-23 }
  /// Relative error bound of division: 2.5 units in the last place.
  public static let divideRelative = 2.5 * 0x1p-23
  /// Relative error bound of `inversesqrt`: 2 units in the last place.
  public static let inverseSquareRootRelative = 2 * 0x1p-23
}
