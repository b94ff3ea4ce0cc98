import PumiceOperators
import PumiceTensors

/// The attention cases of llama.cpp's test-backend-ops (FLASH_ATTN_EXT, 5342 of them in its build of November 2026), by their
/// parameters, and the problems here that stand for them.
///
/// Every size, format and group of heads occurs, and every pair of two values of the other parameters: a covering array in the
/// place of the product. A random additive mask there is a predicate here, causal where they have one; the layouts of tensors that
/// they permute are one here.
enum AttentionPublished {
  /// One of their cases; names are theirs where a comment says so.
  struct Parameters: Hashable {
    /// hsk, hsv.
    var keySize: Int, valueSize: Int
    var keyFormat: TensorFormat, valueFormat: TensorFormat
    /// kv.
    var keys: Int
    /// nb.
    var tokens: Int
    /// nr23: query heads of each key-value head, and sequences.
    var group: Int, sequences: Int
    var hasMask: Bool
    /// max_bias is 8 instead of 0: ALiBi by its usual slopes.
    var hasBias: Bool
    var hasSinks: Bool
    /// logit_softcap is 10 instead of 0.
    var hasSoftCap: Bool
    /// nh; here only as many as cost little.
    var kvHeads = 1

    var problem: Attention {
      var modifications: [ScoreModification] = hasSoftCap ? [.softCap(10)] : []
      if hasBias { modifications.append(.alibi(heads: kvHeads * group)) }
      return Attention(
        sequences: sequences, tokens: tokens, heads: kvHeads * group, kvHeads: kvHeads, keySize: keySize,
        valueSize: valueSize, capacity: keys, keyFormat: keyFormat, valueFormat: valueFormat,
        mask: hasMask ? .causal : .full, modifications: modifications, hasSinks: hasSinks)
    }
  }

  /// What their parameters can be, where more than a case or two has it.
  enum Values {
    static let sizes = [
      (40, 40), (64, 64), (64, 72), (64, 128), (72, 64), (72, 72), (80, 80), (96, 64), (96, 96), (128, 64), (128, 96),
      (128, 128), (192, 128), (192, 192), (256, 256), (320, 256), (512, 512), (576, 512),
    ]
    static let formats: [TensorFormat] = [
      .f32, .f16, .bf16, .q8_0, .block(.q5_1), .block(.q5_0), .block(.q4_1), .q4_0, .block(.iq4_nl),
    ]
    static let keys = [113, 512, 1024]
    static let tokens = [1, 3, 32, 75]
    static let groups = [1, 4, 8, 12, 16, 20, 32]
    static let sequences = [1, 3]
  }

  /// What they have and this operator does not take: sizes and formats with the reason that it gives.
  static let unsupported: [(problem: Attention, reason: String)] = [
    (heads(65, 67, .f16), "the key size 65 is no multiple of 8"),
    // They fill rows of 72 up to 96 elements.
    (heads(72, 72, .q4_0), "the key size 72 is no multiple of the 32 that q4_0 needs"),
  ]

  private static func heads(_ keySize: Int, _ valueSize: Int, _ format: TensorFormat) -> Attention {
    Attention(
      tokens: 1, heads: 4, kvHeads: 4, keySize: keySize, valueSize: valueSize, capacity: 512, keyFormat: format)
  }

  private enum Masking {
    case none, mask, bias
  }

  private static func row(
    _ keys: Int, _ tokens: Int, _ heads: (sequences: Int, kvHeads: Int, group: Int), _ size: (Int, Int),
    _ format: TensorFormat, _ masking: Masking, values: TensorFormat? = nil, sinks: Bool = false, softCap: Bool = false
  ) -> Parameters {
    Parameters(
      keySize: size.0, valueSize: size.1, keyFormat: format, valueFormat: values ?? format, keys: keys,
      tokens: tokens, group: heads.group, sequences: heads.sequences, hasMask: masking != .none,
      hasBias: masking == .bias, hasSinks: sinks, hasSoftCap: softCap, kvHeads: heads.kvHeads)
  }

  static let cases: [Parameters] = [
    row(113, 1, (1, 4, 1), (128, 64), .block(.q5_1), .none, sinks: true, softCap: true),
    row(113, 1, (1, 2, 32), (192, 192), .f16, .mask, values: .f32),
    row(113, 3, (1, 2, 8), (72, 72), .f16, .bias),
    row(113, 3, (1, 1, 12), (96, 64), .q4_0, .none, values: .f16, softCap: true),
    row(113, 3, (1, 2, 4), (128, 128), .q8_0, .none, values: .q4_0, softCap: true),
    row(1024, 1, (1, 2, 4), (96, 64), .block(.q5_0), .mask, softCap: true),
    row(1024, 1, (1, 2, 4), (64, 72), .q8_0, .bias, values: .f16, sinks: true),
    row(512, 1, (3, 2, 4), (64, 128), .block(.q4_1), .bias),
    row(1024, 3, (1, 1, 20), (72, 64), .f32, .mask, values: .q8_0, softCap: true),
    row(1024, 1, (3, 1, 4), (256, 256), .q8_0, .mask, sinks: true),
    row(512, 3, (3, 1, 16), (40, 40), .f32, .none, sinks: true),
    row(113, 32, (3, 1, 1), (80, 80), .bf16, .none, softCap: true),
    row(512, 32, (1, 1, 1), (256, 256), .block(.iq4_nl), .mask, sinks: true),
    row(113, 75, (3, 1, 1), (128, 96), .q4_0, .mask),
    row(1024, 32, (1, 1, 1), (64, 64), .q4_0, .bias, values: .q8_0, sinks: true),
    row(512, 75, (1, 1, 1), (96, 96), .q8_0, .bias, values: .f32, sinks: true, softCap: true),
    row(1024, 75, (1, 1, 1), (192, 128), .f16, .none, values: .q4_0, softCap: true),
    row(113, 3, (1, 1, 32), (320, 256), .f16, .bias),
    row(113, 3, (1, 1, 4), (512, 512), .q8_0, .none, values: .f16),
    // DeepSeek's latent attention, whose values are the first 512 elements of the keys in theirs.
    row(512, 1, (1, 1, 20), (576, 512), .f16, .mask),
  ]
}
