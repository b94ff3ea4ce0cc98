import PumiceModelFiles
import PumiceModels
import PumiceTensors

/// What tiny models of families have that are not of attention and feed-forward networks alone.
extension FamilyModel {
  enum Block: Hashable {
    case attention
    case recurrence
    case feedForward
  }

  /// The blocks of each layer; nil where every layer attends and has a feed-forward network.
  var blocks: [Set<Block>]? {
    switch architecture.recurrence?.layers {
    case nil: nil
    case .alone?: [[.recurrence], [.recurrence]]
    case .withoutHeads?:
      [[.recurrence, .feedForward], [.attention, .feedForward], [.recurrence, .feedForward]]
    case .besideAttention?:
      [[.attention, .recurrence, .feedForward], [.attention, .recurrence, .feedForward]]
    case .byInterval?: (0..<4).map { [$0 % 2 == 0 ? .recurrence : .attention, .feedForward] }
    case .onePerLayer?: [[.recurrence], [.attention], [.feedForward], [.recurrence]]
    }
  }

  private static let inner = 64, states = 16, taps = 4, groups = 2, rank = 4
  private static let latent = 24, queryLatent = 16, plain = 8, rotated = 8, value = 8

  func addRecurrence(to metadata: inout GGUFMetadata, kvHeads: Int) {
    guard let kind = architecture.recurrence?.kind, let blocks else { return }
    let name = architecture.name
    for (key, value) in [
      ("ssm.inner_size", Self.inner), ("ssm.state_size", Self.states), ("ssm.conv_kernel", Self.taps),
      ("ssm.time_step_rank", Self.rank),
      ("ssm.group_count", [.mamba2, .deltaNet, .deltaNetTiled].contains(kind) ? Self.groups : 0),
      ("shortconv.l_cache", 3), ("full_attention_interval", 2), ("kda.head_dim", Self.states),
    ] { metadata["\(name).\(key)"] = .uint32(UInt32(value)) }
    if architecture.recurrence?.layers == .byInterval { return }
    let heads = blocks.map { UInt32($0.contains(.attention) ? absorbsLatents ? 1 : kvHeads : 0) }
    metadata["\(name).attention.head_count_kv"] = .array(.uint32(heads))
    if architecture.recurrence?.layers == .onePerLayer {
      let lengths = blocks.map { UInt32($0.contains(.feedForward) ? length : 0) }
      metadata["\(name).feed_forward_length"] = .array(.uint32(lengths))
    }
  }

  func addLatents(to metadata: inout GGUFMetadata) {
    guard architecture.latentAttention != nil else { return }
    let name = architecture.name, query = Self.plain + Self.rotated
    for (key, value) in [
      ("attention.kv_lora_rank", Self.latent), ("rope.dimension_count", Self.rotated),
      ("attention.key_length", absorbsLatents ? Self.latent + Self.rotated : query),
      ("attention.value_length", absorbsLatents ? Self.latent : Self.value),
      ("attention.key_length_mla", absorbsLatents ? query : 0),
      ("attention.value_length_mla", absorbsLatents ? Self.value : 0),
      ("attention.indexer.top_k", 64), ("attention.indexer.head_count", 1), ("attention.indexer.key_length", 8),
    ] { metadata["\(name).\(key)"] = .uint32(UInt32(value)) }
    if architecture.recurrence == nil {
      metadata["\(name).attention.head_count_kv"] = .uint32(UInt32(absorbsLatents ? 1 : heads))
    }
    if hasQueryLatent { metadata["\(name).attention.q_lora_rank"] = .uint32(UInt32(Self.queryLatent)) }
  }

  private var hasQueryLatent: Bool { !["plm", "kimi-linear"].contains(architecture.name) }

  // MARK: Tensors

  mutating func recurrence(_ prefix: String, _ writer: inout GGUFWriter) {
    let inner = Self.inner, states = Self.states, shared = 2 * Self.groups * states
    func convolution(_ name: String, _ channels: Int, _ taps: Int, bias: Bool, _ model: inout FamilyModel) {
      model.linear(prefix + name, channels, taps, bias: bias, &writer)
    }
    switch architecture.recurrence?.kind {
    case nil: return
    case .deltaNet?, .deltaNetTiled?, .kimiDelta?: return deltaNet(prefix, &writer)
    case .shortConvolution?:
      matrix(prefix + "shortconv.in_proj", 3 * width, width, &writer)
      convolution("shortconv.conv", width, 3, bias: false, &self)
      matrix(prefix + "shortconv.out_proj", width, width, &writer)
      return
    case .mamba2?:
      matrix(prefix + "ssm_in", 2 * inner + shared + Self.rank, width, &writer)
      convolution("ssm_conv1d", inner + shared, Self.taps, bias: true, &self)
      vector(prefix + "ssm_dt.bias", [Self.rank], around: 0, &writer)
      vector(prefix + "ssm_a", [Self.rank, 1], around: -1, &writer)
      vector(prefix + "ssm_d", [Self.rank, 1], around: 1, &writer)
      norm(prefix + "ssm_norm", .rms, [Self.groups, inner / Self.groups], &writer)
    case .mamba?, .plamo2?:
      let isPlamo = architecture.recurrence?.kind == .plamo2
      let rank = isPlamo ? 64 : Self.rank, heads = isPlamo ? Self.rank : inner
      matrix(prefix + "ssm_in", 2 * inner, width, &writer)
      convolution("ssm_conv1d", inner, Self.taps, bias: !isPlamo, &self)
      matrix(prefix + "ssm_x", rank + 2 * states, inner, &writer)
      linear(prefix + "ssm_dt", heads, rank, bias: true, &writer)
      vector(prefix + "ssm_a", isPlamo ? [heads] : [inner, states], around: -1, &writer)
      vector(prefix + "ssm_d", [heads], around: 1, &writer)
      if architecture.name != "mamba" {
        for (name, size) in [("ssm_dt_norm", rank), ("ssm_b_norm", states), ("ssm_c_norm", states)] {
          norm(prefix + name, .rms, [size], &writer)
        }
      }
    }
    matrix(prefix + "ssm_out", width, inner, &writer)
  }

  private mutating func deltaNet(_ prefix: String, _ writer: inout GGUFWriter) {
    let inner = Self.inner, states = Self.states, keys = Self.groups * states, rank = Self.rank
    if architecture.recurrence?.kind == .kimiDelta {
      for part in ["q", "k", "v"] {
        matrix(prefix + "attn_\(part)", inner, width, &writer)
        vector(prefix + "ssm_conv1d_\(part).weight", [inner, 1, Self.taps], around: 0, &writer)
      }
      for part in ["f", "g"] {
        matrix(prefix + "ssm_\(part)_a", states, width, &writer)
        matrix(prefix + "ssm_\(part)_b", inner, states, &writer)
      }
      matrix(prefix + "ssm_beta", rank, width, &writer)
      vector(prefix + "ssm_a", [rank, 1], around: -1, &writer)
      vector(prefix + "ssm_dt.bias", [inner], around: 0, &writer)
      norm(prefix + "ssm_norm", .rms, [states], &writer)
      matrix(prefix + "attn_output", width, inner, &writer)
      return
    }
    matrix(prefix + "attn_qkv", 2 * keys + inner, width, &writer)
    matrix(prefix + "attn_gate", inner, width, &writer)
    linear(prefix + "ssm_conv1d", 2 * keys + inner, Self.taps, bias: false, &writer)
    if architecture.recurrence?.kind == .deltaNet {
      matrix(prefix + "ssm_ba", 2 * rank, width, &writer)
    } else {
      matrix(prefix + "ssm_alpha", rank, width, &writer)
      matrix(prefix + "ssm_beta", rank, width, &writer)
    }
    vector(prefix + "ssm_a", [rank], around: -1, &writer)
    vector(prefix + "ssm_dt.bias", [rank], around: 0, &writer)
    norm(prefix + "ssm_norm", .rms, [inner / rank], &writer)
    matrix(prefix + "ssm_out", width, inner, &writer)
  }

  mutating func latentAttention(_ prefix: String, _ writer: inout GGUFWriter) {
    let query = Self.plain + Self.rotated
    if hasQueryLatent {
      matrix(prefix + "attn_q_a", Self.queryLatent, width, &writer)
      norm(prefix + "attn_q_a_norm", .rms, [Self.queryLatent], &writer)
      matrix(prefix + "attn_q_b", heads * query, Self.queryLatent, &writer)
    } else {
      matrix(prefix + "attn_q", heads * query, width, &writer)
    }
    matrix(prefix + "attn_kv_a_mqa", Self.latent + Self.rotated, width, &writer)
    norm(prefix + "attn_kv_a_norm", .rms, [Self.latent], &writer)
    let rows = Self.plain + Self.value, latent = Self.latent
    let both = (0..<heads * rows * latent).map { _ in number() * 0.25 }
    if absorbsLatents {
      // The same numbers, those of keys turned about.
      var keys: [Float] = []
      var values: [Float] = []
      for head in 0..<heads {
        let first = head * rows
        for column in 0..<latent {
          for row in first..<first + Self.plain { keys.append(both[row * latent + column]) }
        }
        values += both[(first + Self.plain) * latent..<(first + rows) * latent]
      }
      writer.addTensor(prefix + "attn_k_b.weight", shape: [heads, latent, Self.plain], floats: keys)
      writer.addTensor(prefix + "attn_v_b.weight", shape: [heads, Self.value, latent], floats: values)
    } else {
      writer.addTensor(prefix + "attn_kv_b.weight", shape: [heads * rows, latent], floats: both)
    }
    matrix(prefix + "attn_output", width, heads * Self.value, &writer)
    if architecture.hasIndexer { indexer(prefix, &writer) }
  }

  /// What chooses among the tokens of longer texts.
  private mutating func indexer(_ prefix: String, _ writer: inout GGUFWriter) {
    matrix(prefix + "indexer.attn_q_b", 8, Self.queryLatent, &writer)
    matrix(prefix + "indexer.attn_k", 8, width, &writer)
    vector(prefix + "indexer.k_norm.weight", [8], around: 1, &writer)
    vector(prefix + "indexer.k_norm.bias", [8], around: 0, &writer)
    matrix(prefix + "indexer.proj", 1, width, &writer)
  }
}
