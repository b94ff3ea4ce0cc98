import PumiceOperators
import PumiceTensors

/// The problems of Attention's verification.
enum AttentionProblems {
  /// The cache is a little longer than the keys in use.
  static func problem(
    _ tokens: Int, _ kvHeads: Int, _ group: Int, _ size: Int, _ keys: Int, _ format: TensorFormat,
    sequences: Int = 1, part: Range<Int>? = nil, values: (size: Int, format: TensorFormat)? = nil, scale: Float? = nil,
    mask: AttentionMask = .causal, modifications: [ScoreModification] = [], sinks: Bool = false,
    outputs: Set<Attention.Output> = []
  ) -> Attention {
    Attention(
      sequences: sequences, tokens: tokens, heads: kvHeads * group, kvHeads: kvHeads, part: part, keySize: size,
      valueSize: values?.size, capacity: keys + 1 + keys % 4, keys: keys, keyFormat: format,
      valueFormat: values?.format, scale: scale, mask: mask, modifications: modifications, hasSinks: sinks,
      outputs: outputs)
  }

  static let decoding = [
    problem(1, 1, 1, 32, 1, .f32), problem(1, 2, 4, 128, 257, .f16), problem(1, 2, 2, 80, 513, .f32),
    problem(1, 1, 1, 192, 256, .f16), problem(1, 3, 2, 40, 255, .f16), problem(1, 1, 8, 128, 17, .f16),
    problem(1, 1, 4, 128, 1031, .f16), problem(1, 1, 2, 64, 95, .bf16), problem(1, 1, 3, 8, 31, .bf16),
    problem(1, 1, 1, 16, 63, .f32, sequences: 3), problem(1, 2, 2, 72, 40, .f16, sequences: 2),
  ]

  static let prompts = [
    problem(2, 1, 4, 128, 31, .f16), problem(2, 2, 2, 64, 17, .f32), problem(7, 1, 1, 40, 7, .f32),
    problem(8, 1, 1, 64, 33, .f16), problem(9, 1, 1, 128, 16, .f32), problem(17, 1, 2, 80, 61, .f16),
    problem(17, 1, 1, 256, 40, .f16), problem(31, 1, 1, 32, 32, .f16), problem(32, 1, 1, 96, 31, .f32),
    problem(33, 1, 1, 64, 65, .f32), problem(3, 1, 7, 192, 47, .f32), problem(16, 1, 2, 40, 53, .f16),
    problem(9, 1, 4, 32, 129, .f32), problem(6, 1, 7, 64, 100, .f16), problem(13, 2, 1, 192, 29, .f16),
    problem(11, 1, 3, 72, 64, .bf16), problem(6, 2, 2, 16, 37, .f32, sequences: 3),
    problem(3, 1, 4, 64, 96, .f16, sequences: 2),
  ]

  /// Latent attention: one head of keys, as wide as a latent and its rotated part, and values that are the latent.
  static let latent = [
    problem(1, 1, 4, 576, 70, .f16, values: (512, .f16)), problem(1, 1, 3, 576, 33, .f32, values: (512, .f32)),
    problem(5, 1, 4, 576, 40, .f16, values: (512, .f16)), problem(9, 1, 2, 320, 37, .f32, values: (288, .bf16)),
    problem(2, 1, 4, 576, 45, .q8_0, values: (512, .q4_0)),
  ]

  /// Every mask that the tiles are checked with.
  static var masked: [Attention] {
    let shapes = [(5, 1, 4), (1, 2, 4), (11, 2, 1), (35, 1, 2), (3, 2, 3), (7, 4, 1)]
    return AttentionTiles.masks(heads: 4).indices.map { place in
      let (tokens, kvHeads, group) = shapes[place % shapes.count]
      return problem(
        tokens, kvHeads, group, [16, 32, 64, 40][place % 4], [45, 77, 130, 300][place / 3 % 4],
        [.f32, .f16][place % 2], sequences: tokens == 3 ? 2 : 1,
        mask: AttentionTiles.masks(heads: kvHeads * group)[place])
    }
  }

  /// Formats of caches, each with keys or values in others too.
  private static let cacheFormats: [TensorFormat] = {
    let blocks: [TensorFormat] = [.q8_0, .block(.q5_1), .block(.q5_0), .block(.q4_1), .q4_0, .block(.iq4_nl)]
    let named = [
      "g2:32", "g3:32", "g4:64", "g5:32", "g6:64", "g7:32", "g8:32", "g2:32:asym", "g3:64:asym", "g4:32:asym",
      "g5:64:asym", "g6:32:asym", "g7:64:asym", "g8:32:asym:f32", "g4:row:bf16", "nf2:64", "nf3:64", "nf4:32", "nf8:64",
    ]
    return blocks + named.map { TensorFormat(name: $0)! }
  }()

  static var formats: [Attention] {
    cacheFormats.enumerated().flatMap { index, format -> [Attention] in
      let next = cacheFormats[(index + 7) % cacheFormats.count]
      let window: AttentionMask = .causal & (.sinks(3) | .window(40))
      // Few shapes, so that what does not decode is compiled once.
      return [
        problem(1, 1, 4, 128, 290, format), problem(5, 2, 2, 64, 61, format, values: (64, next)),
        problem(index % 2 == 0 ? 1 : 9, 1, 4, 192, 45, .f16, values: (64 * (1 + index % 4), format), mask: window),
      ]
    }
  }

  /// Some of the key-value heads of a layer: the first, the last, those between; alone and with others, in one sequence and
  /// several. Everything that depends on the number of a head.
  static var parts: [Attention] {
    let byHead = ScoreFunction("by_head", glsl: "score + 0.25 * float(head) - 0.125 * float((query - key) & 3)") {
      score, head, query, key in score + 0.25 * Double(head) - 0.125 * Double((query - key) & 3)
    }
    func windows(_ heads: Int) -> AttentionMask {
      .causal & .perHead((0..<heads).map { $0 % 3 == 2 ? .full : .window(12 * $0 + 9) | .sinks($0) })
    }
    let all: Set<Attention.Output> = [.logSumExp, .columnSums, .lastRow]
    let code = TensorFormat(name: "g4:32:asym")!
    return [
      problem(
        1, 3, 2, 64, 290, .f16, sequences: 2, part: 1..<3, mask: windows(6),
        modifications: [.alibi(heads: 6), .user(byHead)], sinks: true, outputs: all),
      problem(
        7, 4, 2, 32, 70, .f32, sequences: 2, part: 1..<3, mask: windows(8),
        modifications: [.alibi(heads: 8), .user(byHead)], sinks: true, outputs: all),
      problem(1, 4, 2, 64, 301, .q8_0, sequences: 2, part: 2..<4, values: (64, code), mask: windows(8), sinks: true),
      problem(5, 4, 1, 64, 61, .q4_0, sequences: 2, part: 1..<3, values: (64, .q8_0), mask: windows(4)),
      problem(3, 3, 2, 64, 45, code, sequences: 2, part: 1..<2, values: (32, .f16), outputs: [.columnSums]),
      problem(1, 3, 4, 128, 80, .bf16, sequences: 3, part: 2..<3, modifications: [.user(byHead)], outputs: [.lastRow]),
      problem(37, 3, 1, 32, 100, .f16, sequences: 2, part: 0..<2, mask: windows(3), sinks: true),
      problem(13, 2, 3, 40, 50, .bf16, part: 0..<1, modifications: [.alibi(heads: 6)], outputs: [.logSumExp]),
      problem(1, 5, 1, 16, 31, .f32, part: 4..<5, mask: windows(5)),
      problem(2, 2, 2, 24, 33, .f16, part: 0..<2, outputs: all),
    ]
  }

  /// Sinks, changed scores, further outputs, other scales, keys and values of different sizes.
  static var options: [Attention] {
    let sine = ScoreFunction("wave", glsl: "score + 0.5 * float((query - key) & 3)") { score, _, query, key in
      score + 0.5 * Double((query - key) & 3)
    }
    // Softmax relative to zero instead of the largest score would be 0 / 0.
    let lowered = ScoreFunction("lowered", glsl: "score * 0.01 - 200.0") { score, _, _, _ in score * 0.01 - 200 }
    let all: Set<Attention.Output> = [.logSumExp, .columnSums, .lastRow]
    let window: AttentionMask = .causal & .window(9)
    let modifications: [[ScoreModification]] = [
      [.softCap(30)], [.softCap(1)], [.alibi(heads: 4)], [.user(sine)], [.softCap(50), .alibi(heads: 4), .user(sine)],
    ]
    return [
      // Outliers make scores of millions by default, and one key wins; here they stay small and every key counts.
      problem(1, 1, 4, 64, 300, .f16, scale: 1e-7), problem(5, 1, 2, 128, 37, .f32, scale: -1e-7),
      // Scores of hundreds either way; then all far below zero.
      problem(3, 1, 1, 32, 19, .f16, scale: -8), problem(2, 2, 1, 32, 19, .f16, scale: 8),
      problem(1, 1, 4, 64, 40, .f16, modifications: [.user(lowered)]),
      problem(7, 2, 2, 32, 40, .f32, modifications: [.user(lowered)]),
      problem(1, 2, 2, 64, 270, .f16, values: (24, .f32)),
      problem(7, 1, 2, 24, 70, .f32, values: (128, .bf16)), problem(1, 1, 2, 192, 40, .bf16, values: (128, .f16)),
      problem(4, 1, 1, 256, 33, .f32, values: (8, .f16)),
      problem(1, 1, 4, 64, 280, .f16, sinks: true), problem(9, 2, 2, 64, 50, .f32, sinks: true),
      problem(6, 1, 2, 32, 40, .f16, mask: window & .tokens([3, 4, 30]), sinks: true, outputs: [.logSumExp]),
      problem(1, 1, 2, 32, 40, .f16, outputs: [.logSumExp]), problem(9, 1, 4, 64, 77, .f32, outputs: all),
      problem(5, 2, 2, 32, 90, .f16, sequences: 2, mask: window, sinks: true, outputs: all),
      problem(1, 1, 4, 128, 300, .q8_0, outputs: all), problem(3, 1, 2, 64, 61, .q4_0, outputs: [.columnSums]),
      problem(12, 1, 1, 40, 50, .bf16, mask: .window(6), outputs: [.lastRow]),
      problem(1, 2, 3, 64, 33, .f32, sequences: 2, outputs: [.lastRow, .logSumExp]),
    ]
      + modifications.enumerated().flatMap { index, modifications in
        [
          problem(1, 1, 4, 64, 70 + index, .f16, modifications: modifications, outputs: index == 0 ? all : []),
          problem(7, 2, 2, 32, 40, .f32, modifications: modifications, sinks: index % 2 == 1),
          problem(1, 2, 2, 64, 290, .q8_0, mask: window, modifications: modifications),
        ]
      }
  }
}
