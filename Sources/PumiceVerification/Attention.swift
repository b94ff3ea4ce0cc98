public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension Attention: Verifiable {
  /// Every head size with every group, format and kind of length, in pairs: keys around the tiles (16, 32, by subgroup
  /// size more) and the splits (256), rows around the tiles of 8 and 32.
  public static var problems: [Attention] {
    decoding + prompts
      + [
        // Outliers make scores of millions by default, and one key wins; here they stay small and every key counts.
        problem(1, 1, 4, 64, 300, .f16, scale: 1e-7), problem(5, 1, 2, 128, 37, .f32, scale: -1e-7),
        problem(3, 1, 1, 32, 19, .f16, scale: 0.75),
      ]
  }

  private static var decoding: [Attention] {
    [
      problem(1, 1, 1, 32, 1, .f32), problem(1, 2, 4, 128, 257, .f16), problem(1, 1, 8, 64, 600, .f16),
      problem(1, 2, 2, 80, 513, .f32), problem(1, 1, 7, 128, 301, .f16), problem(1, 1, 4, 256, 531, .f32),
      problem(1, 1, 1, 192, 256, .f16), problem(1, 3, 2, 40, 255, .f16), problem(1, 1, 4, 96, 771, .f16),
      problem(1, 1, 8, 128, 17, .f16), problem(1, 2, 1, 96, 33, .f32), problem(1, 1, 4, 128, 1031, .f16),
      problem(1, 1, 2, 64, 302, .f32),
    ]
  }

  private static var prompts: [Attention] {
    [
      problem(2, 1, 4, 128, 31, .f16), problem(2, 2, 2, 64, 17, .f32), problem(7, 1, 1, 40, 7, .f32),
      problem(8, 1, 1, 64, 33, .f16), problem(9, 1, 1, 128, 16, .f32), problem(17, 1, 2, 80, 61, .f16),
      problem(17, 1, 1, 256, 40, .f16), problem(31, 1, 1, 32, 32, .f16), problem(32, 1, 1, 96, 31, .f32),
      problem(33, 1, 1, 64, 65, .f32), problem(3, 1, 7, 192, 47, .f32), problem(5, 2, 4, 128, 300, .f16),
      problem(4, 1, 8, 64, 271, .f32), problem(2, 1, 8, 256, 520, .f16), problem(16, 1, 2, 40, 53, .f16),
      problem(9, 1, 4, 32, 129, .f32), problem(6, 1, 7, 64, 100, .f16), problem(13, 2, 1, 192, 29, .f16),
      problem(3, 1, 2, 128, 513, .f32),
    ]
  }

  /// The cache is a little longer than the keys in use.
  private static func problem(
    _ tokens: Int, _ kvHeads: Int, _ group: Int, _ headSize: Int, _ keys: Int, _ format: TensorFormat,
    scale: Float? = nil
  ) -> Attention {
    Attention(
      tokens: tokens, heads: kvHeads * group, kvHeads: kvHeads, headSize: headSize, keys: keys,
      capacity: keys + 1 + keys % 4, format: format, scale: scale)
  }

  /// What every query sees. One token: the whole cache, more than there is, a part, or nothing. Several: the last tokens
  /// in order, the first of them masked altogether, or positions in no order at all.
  private var queryPositions: [Int32] {
    let all = Int32(keys)
    if tokens == 1 { return [[all - 1, all + 7, all * 2 / 3, all > 256 ? -1 : 0][keys % 4 == 2 ? 3 : keys % 3]] }
    if (tokens + keys) % 2 == 0 { return (0..<tokens).map { $0 == 0 ? -1 : Int32(max(0, keys - tokens + $0)) } }
    return (0..<tokens).map { token in
      switch token % 5 {
      case 0: all - 1
      case 1: -1
      case 2: all + Int32(token)
      case 3: 0
      default: Int32(token * 37 % keys)
      }
    }
  }

  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    argument.name == "positions" ? integers(queryPositions) : nil
  }

  /// Cells that no query sees hold what was there before.
  public func unused(_ argument: Argument) -> [Range<Int>] {
    guard argument.name == "k" || argument.name == "v" else { return [] }
    let cell = argument.byteCount / (kvHeads * capacity)
    let seen = queryPositions.map { max(0, min(keys, Int($0) + 1)) }.max()!
    return (0..<kvHeads).map { ($0 * capacity + seen) * cell..<($0 + 1) * capacity * cell }
  }
}
