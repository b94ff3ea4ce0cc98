public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension Attention: Verifiable {
  public static var problems: [Attention] {
    [TensorFormat.f32, .f16].flatMap { format in
      [(1, 1, 1, 32, 1), (1, 4, 2, 64, 33), (3, 3, 1, 80, 17), (17, 2, 2, 128, 40), (2, 8, 1, 256, 130)].map {
        Attention(tokens: $0, heads: $1, kvHeads: $2, headSize: $3, keys: $4, capacity: $4 + 3, format: format)
      }
    }
  }

  /// The last tokens of the cache in order, the first of several masked altogether.
  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    guard argument.name == "positions" else { return nil }
    return integers((0..<tokens).map { $0 == 0 && tokens > 1 ? -1 : Int32(max(0, keys - tokens + $0)) })
  }
}
