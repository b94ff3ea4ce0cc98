public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension ExpertMatMul: Verifiable {
  /// What files of mixtures have, every block format, because each makes a shader of its own; and of those with sections, one
  /// whose codes begin within words, one with offsets, and one with a table in a buffer of its own.
  private static let formats =
    TensorFormat.plainWeights + BlockFormat.allCases.map { .block($0) }
    + ["g3:32", "g4:64:asym", "nf8:16"].map { TensorFormat(name: $0)! }

  public static var problems: [ExpertMatMul] {
    let everywhere = formats.enumerated().map { index, format in
      ExpertMatMul(
        experts: 5, m: index % 2 == 0 ? 33 : 16,
        k: format.blockLength == 1 ? 67 : format.blockLength * (1 + index % 2 * 2),
        tokens: 19, slots: 3, weight: format, inputPerSlot: index % 2 == 0, bias: index % 3 == 0)
    }
    // Fewer and more columns than a tile, one expert, many experts of which most are idle, rows around those of a group.
    let shapes = [
      (1, 1, 1, 1, 1), (1, 65, 40, 20, 1), (2, 64, 32, 8, 2), (3, 4, 31, 17, 1), (40, 7, 64, 3, 4), (2, 63, 33, 40, 2),
    ]
    return everywhere
      + shapes.enumerated().map { index, shape in
        ExpertMatMul(
          experts: shape.0, m: shape.1, k: shape.2, tokens: shape.3, slots: shape.4, weight: .f32,
          inputPerSlot: index % 2 == 0, bias: index % 2 == 1)
      }
  }

  public static var dataKinds: [DataKind] { [.normal, .outliers, .denormals, .oneHot] }

  /// Some experts often and some never; now and then none.
  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    guard argument.name == "experts" else { return nil }
    let edges = [Int32(experts), -1, .max]
    return integers(
      (0..<tokens * slots).map { pair in
        if pair % 11 == 5 { return edges[pair / 11 % 3] }
        return Int32(min(random.below(experts), random.below(experts)))
      })
  }
}
