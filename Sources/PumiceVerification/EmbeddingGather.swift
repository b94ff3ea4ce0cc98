public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension EmbeddingGather: Verifiable {
  public static var problems: [EmbeddingGather] {
    (TensorFormat.plainWeights + TensorFormat.blockWeights + TensorFormat.sectionedSamples).flatMap {
      format -> [EmbeddingGather] in
      let widths =
        format.blockLength == 1 ? [1, 31, 32, 33, 64, 65, 257] : [1, 2, 3, 11].map { $0 * format.blockLength }
      return widths.flatMap { width in
        [1, 3, 17].map {
          EmbeddingGather(tokens: $0, vocabulary: format.rowsTogether == 1 ? 37 : 64, width: width, format: format)
        }
      }
    }
  }

  /// Real tokens, the first and the last among them, and some outside the table.
  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    guard argument.name == "tokens" else { return nil }
    let edges: [Int32] = [Int32(vocabulary - 1), 0, Int32(vocabulary), -1, .max, .min]
    return integers((0..<tokens).map { $0 < edges.count && tokens > 1 ? edges[$0] : Int32(random.below(vocabulary)) })
  }
}
