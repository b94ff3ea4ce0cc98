import Foundation

/// The few functions of `Double` that need the C library, in one place.
public enum DoubleMath {
  public static func power(_ x: Double, _ y: Double) -> Double { pow(x, y) }
  public static func exponential(_ x: Double) -> Double { exp(x) }
  public static func sine(_ x: Double) -> Double { sin(x) }
  public static func cosine(_ x: Double) -> Double { cos(x) }
  public static func logarithm(_ x: Double) -> Double { log(x) }
  /// log(1 + x), accurate for small x.
  public static func logarithmOfOnePlus(_ x: Double) -> Double { log1p(x) }
  public static func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }
  /// 1 − erf(x), accurate for large x.
  public static func complementaryError(_ x: Double) -> Double { erfc(x) }
}
