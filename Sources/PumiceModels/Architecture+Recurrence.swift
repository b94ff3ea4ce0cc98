import PumiceModelFiles
import PumiceOperators

/// What layers keep of the text beside keys and values, or in their place: a state of fixed size.
extension Architecture {
  /// Recurrent blocks, and which layers have them.
  public struct Recurrence: Hashable, Sendable {
    public var kind: Kind
    public var layers: Layers
    /// The ε of the norms of steps and of what goes in and out, where it is not that of the others.
    public var stepEpsilon: Float?
    /// What is added to the squared length of a delta net's queries and keys; nil for the square of the others' ε.
    public var lengthEpsilon: Float?

    public enum Kind: Hashable, Sendable {
      /// A selective state-space model whose steps, inputs and outputs come of the convolved input (Gu & Dao 2023). They are
      /// normalized in files with gains for that (Jamba), and where `ssm.dt_b_c_rms` is true (Falcon Mamba).
      case mamba
      /// A selective state-space model with heads, of which everything comes of what the block reads, all but the steps
      /// convolved; normalized by groups after its gate (Dao & Gu 2024).
      case mamba2
      /// The heads of Mamba-2 with the projections of Mamba, normalized; the gate and the input of a head lie together.
      case plamo2
      /// A convolution over a few tokens, gated before and after (LFM2).
      case shortConvolution
      /// A gated delta net (Yang et al. 2024) whose heads of keys serve neighbouring heads of values (Qwen3-Next).
      case deltaNet
      /// The same, where they serve heads of values in turn (Qwen 3.5, as GGUF files order its rows).
      case deltaNetTiled
      /// A gated delta net with a decay for each element of a key (Kimi Linear).
      case kimiDelta
    }

    /// Of what a layer is made.
    public enum Layers: Hashable, Sendable {
      /// Of a recurrent block alone.
      case alone
      /// Of attention, or without key-value heads of a recurrent block, and a feed-forward network.
      case withoutHeads
      /// Of attention and a recurrent block that read the same and are added, and a feed-forward network.
      case besideAttention
      /// As `attention.recurrent_layers` says, or every layer but each `full_attention_interval`-th, or 4th, of a recurrent
      /// block, the others of attention; and a feed-forward network.
      case byInterval
      /// Of a feed-forward network if it has a length, else of attention if it has key-value heads, else of a recurrent
      /// block (Nemotron-H).
      case onePerLayer
    }
  }
}

/// The numbers of the recurrent blocks of a model.
public struct RecurrenceConfiguration: Hashable, Sendable {
  public var kind: Architecture.Recurrence.Kind
  /// Channels that are convolved and scanned; of a delta net those of its values.
  public var innerSize: Int
  /// Taps of the convolution.
  public var taps: Int
  /// States of each channel, of a delta net the elements of a key; 0 where there is only the convolution.
  public var stateSize: Int
  /// Heads that share a decay; in Mamba each channel is one.
  public var headCount: Int
  /// Groups of heads that share what goes into the states and comes out of them: a delta net's heads of keys.
  public var groupCount: Int
  /// Numbers that the steps of all heads are made of; 0 where they are made of what the block reads.
  public var stepRank: Int
  /// Whether these, and what goes in and out, are normalized without gains.
  public var normalizesSteps: Bool

  /// Channels of a head.
  public var headSize: Int { innerSize / headCount }
  public var isDeltaNet: Bool { [.deltaNet, .deltaNetTiled, .kimiDelta].contains(kind) }

  /// Channels of each convolution.
  var convolved: [Int] {
    switch kind {
    case .mamba, .plamo2, .shortConvolution: [innerSize]
    case .mamba2: [innerSize, groupCount * stateSize, groupCount * stateSize]
    case .deltaNet, .deltaNetTiled, .kimiDelta: [groupCount * stateSize, groupCount * stateSize, innerSize]
    }
  }
}

extension ModelKeys {
  /// The numbers of recurrent blocks; nil where the architecture has none.
  func recurrence(
    _ architecture: Architecture, embeddingLength: Int
  ) throws(ModelFileError) -> RecurrenceConfiguration? {
    guard let kind = architecture.recurrence?.kind else { return nil }
    if kind == .shortConvolution {
      return RecurrenceConfiguration(
        kind: kind, innerSize: embeddingLength, taps: try taps("shortconv.l_cache"), stateSize: 0, headCount: 1,
        groupCount: 1, stepRank: 0, normalizesSteps: false)
    }
    if kind == .kimiDelta {
      let heads = try headsOfAll()
      let headSize = try size("kda.head_dim", most: 1 << 16)
      guard try file.optionalBool(name("kda.safe_gate")) != true else {
        throw unsupported("kda.safe_gate", "decays with a lower bound")
      }
      return RecurrenceConfiguration(
        kind: kind, innerSize: heads * headSize, taps: try taps("ssm.conv_kernel"), stateSize: headSize,
        headCount: heads, groupCount: heads, stepRank: 0, normalizesSteps: false)
    }
    let innerSize = try size("ssm.inner_size"), rank = try size("ssm.time_step_rank")
    let normalizes = try file.optionalBool(name("ssm.dt_b_c_rms")) ?? false
    var c = RecurrenceConfiguration(
      kind: kind, innerSize: innerSize, taps: try taps("ssm.conv_kernel"),
      stateSize: try size("ssm.state_size", most: 1 << 16), headCount: innerSize, groupCount: 1, stepRank: rank,
      normalizesSteps: kind == .mamba && normalizes)
    if kind == .mamba { return c }
    guard innerSize % rank == 0 else {
      throw invalid("ssm.time_step_rank", "\(innerSize) channels cannot be shared out among \(rank) heads")
    }
    c.headCount = rank
    if kind == .plamo2 {
      c.stepRank = max(64, embeddingLength / 16)
      return c
    }
    c.stepRank = 0
    c.groupCount = try size("ssm.group_count", most: 1 << 16)
    guard rank % c.groupCount == 0 else {
      throw invalid("ssm.group_count", "\(rank) heads cannot be shared out among \(c.groupCount) groups")
    }
    return c
  }

  private func taps(_ key: String) throws(ModelFileError) -> Int {
    let taps = try size(key, most: 1 << 16)
    guard 2...CausalConvolution.mostTaps ~= taps else {
      throw unsupported(key, "a convolution over \(taps) tokens; 2 to \(CausalConvolution.mostTaps) are supported")
    }
    return taps
  }

  /// Which blocks each layer has.
  func blocks(_ count: Int, _ architecture: Architecture) throws(ModelFileError) -> [LayerBlocks] {
    guard let recurrence = architecture.recurrence else {
      return Array(repeating: LayerBlocks(attention: true, recurrence: false, feedForward: true), count: count)
    }
    let heads = try numbers("attention.head_count_kv", count), lengths = try numbers("feed_forward_length", count)
    let recurs = recurrence.layers == .byInterval ? try recurringLayers(count) : []
    return zip(heads, lengths).enumerated().map { index, numbers in
      let (heads, length) = numbers
      switch recurrence.layers {
      case .byInterval: return LayerBlocks(attention: !recurs[index], recurrence: recurs[index], feedForward: true)
      case .alone: return LayerBlocks(attention: false, recurrence: true, feedForward: false)
      case .withoutHeads: return LayerBlocks(attention: heads > 0, recurrence: heads == 0, feedForward: true)
      case .besideAttention: return LayerBlocks(attention: true, recurrence: true, feedForward: true)
      case .onePerLayer:
        return LayerBlocks(
          attention: length == 0 && heads > 0, recurrence: length == 0 && heads == 0, feedForward: length > 0)
      }
    }
  }

  private func recurringLayers(_ count: Int) throws(ModelFileError) -> [Bool] {
    let key = "attention.recurrent_layers"
    guard case .array(let array)? = file.metadata[name(key)] else {
      let interval = try optionalSize("full_attention_interval", most: 1 << 16) ?? 4
      return (0..<count).map { ($0 + 1) % interval != 0 }
    }
    let flags: [Bool]
    if case .bool(let bools) = array { flags = bools } else { flags = try file.integerArray(name(key)).map { $0 != 0 } }
    guard flags.count >= count else { throw invalid(key, "is for \(flags.count) layers of \(count)") }
    return Array(flags.prefix(count))
  }

  /// The heads that all those layers have that have some.
  private func headsOfAll() throws(ModelFileError) -> Int {
    let key = "attention.head_count"
    guard case .array? = file.metadata[name(key)] else { return try size(key, most: 1 << 16) }
    let list = try file.integerArray(name(key)).filter { $0 != 0 }
    guard let first = list.first else { throw invalid(key, "is 0 in all layers") }
    guard list.allSatisfy({ $0 == first }) else { throw unsupported(key, "layers that differ in it") }
    guard 1...1 << 16 ~= first else { throw invalid(key, "\(first) is outside 1…\(1 << 16)") }
    return first
  }

  /// A number for each layer; 0 where the file has none.
  private func numbers(_ key: String, _ count: Int) throws(ModelFileError) -> [Int] {
    guard file.metadata[name(key)] != nil else { return Array(repeating: 0, count: count) }
    return try sizes(key, layers: count, in: 0...1 << 24)
  }
}

/// The blocks of a layer.
public struct LayerBlocks: Hashable, Sendable {
  public var attention: Bool
  public var recurrence: Bool
  public var feedForward: Bool
}
