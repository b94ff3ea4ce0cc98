import PumiceTensors

/// y[i] = gate[i] · σ(gate[i]) · up[i] (Shazeer 2020), σ the logistic function.
public struct SwiGLU: Operator {
  public static let name = OperatorName.swiGLU

  public var count: Int

  public init(count: Int) { self.count = count }

  public var arguments: [Argument] { [.input("gate", [count]), .input("up", [count]), .output("y", [count])] }
  public var flops: Double { 5 * Double(count) }

  public func validate() throws(OperatorError) { try requireSizes(["count": count]) }

  public var description: String { "swiglu(\(count))" }
}
