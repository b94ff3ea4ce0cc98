public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension KVAppend: Verifiable {
  public static var problems: [KVAppend] {
    [TensorFormat.f32, .f16].flatMap { format in
      [(1, 1, 2, 1), (1, 2, 32, 5), (3, 3, 64, 17), (17, 1, 80, 33), (5, 4, 128, 7), (65, 2, 256, 66)].map {
        KVAppend(tokens: $0, kvHeads: $1, headSize: $2, capacity: $3, format: format)
      }
    }
  }

  /// Distinct positions in no order, some outside the cache.
  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    guard argument.name == "positions" else { return nil }
    var cells = (0..<Int32(max(capacity, tokens))).shuffled(using: &random)
    if tokens > 2 { cells[1] = -1 }
    return integers(Array(cells.prefix(tokens)))
  }
}
