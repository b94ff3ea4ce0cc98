import PumiceTensors

/// The elementwise part of a feed-forward network: y[i] = f(gate[i]) · up[i] if gated, else y[i] = f(x[i]).
///
/// Gated, with silu: SwiGLU; with gelu: GeGLU; with relu: ReGLU; with sigmoid: GLU (Shazeer 2020, "GLU Variants Improve
/// Transformer"). With `limit`, the gate is cut off above it and `up` to ±limit first; with `addsOne` it is up + 1 that
/// multiplies. gpt-oss uses both, with limit 7 and `geluQuick`.
public struct Activation: Operator {
  public static let name = OperatorName.activation

  /// σ is the logistic function, Φ the distribution function of the standard normal distribution.
  public enum Function: String, CaseIterable, Codable, Hashable, Sendable {
    /// x · σ(x) (Elfwing et al. 2017), also called swish.
    case silu
    /// ½x · (1 + tanh(√(2/π) · (x + 0.044715x³))), the usual approximation of `geluErf` (Hendrycks & Gimpel 2016).
    case geluTanh = "gelu_tanh"
    /// x · Φ(x) (Hendrycks & Gimpel 2016).
    case geluErf = "gelu_erf"
    /// x · σ(1.702x), the other approximation of the same paper.
    case geluQuick = "gelu_quick"
    /// max(x, 0).
    case relu
    /// max(x, 0)² (So et al. 2021, "Primer").
    case reluSquared = "relu_squared"
    /// σ(x).
    case sigmoid
    /// log(1 + exp(x)) (Dugas et al. 2000).
    case softplus
    /// x: gated, the product of two tensors.
    case identity
  }

  public var function: Function
  public var count: Int
  public var gated: Bool
  /// What the gate may not exceed, and the magnitude of `up`; nil for no limit. Greater than 0; only if gated.
  public var limit: Float?
  /// Whether it is up + 1 that multiplies; only if gated.
  public var addsOne: Bool

  public init(_ function: Function, count: Int, gated: Bool, limit: Float? = nil, addsOne: Bool = false) {
    self.function = function
    self.count = count
    self.gated = gated
    self.limit = limit
    self.addsOne = addsOne
  }

  public var arguments: [Argument] {
    gated
      ? [.input("gate", [count]), .input("up", [count]), .output("y", [count])]
      : [.input("x", [count]), .output("y", [count])]
  }
  public var flops: Double { (gated ? 5 : 4) * Double(count) }

  public func validate() throws(OperatorError) {
    try requireSizes(["count": count])
    try require(gated || (limit == nil && !addsOne), "without a gate there is nothing to limit or to add 1 to")
    if let limit { try require(limit > 0 && limit.isFinite, "limit \(limit) is not a finite number > 0") }
  }

  public var description: String {
    let parts =
      ["\(count)"] + (gated ? ["gated"] : []) + (limit.map { ["limit \($0)"] } ?? []) + (addsOne ? ["up + 1"] : [])
    return "activation(\(function.rawValue), \(parts.joined(separator: ", ")))"
  }
}
