public import PumiceOperators

/// What the layers of a family of models are made of. A value: a new family of known parts is a new instance, and those that
/// there are lie in `Architectures`.
///
/// What is not said here is said by a file: sizes, which optional biases and scales there are, and whether queries, keys and
/// values lie in one tensor or in three.
public struct Architecture: Hashable, Sendable {
  /// The value of `general.architecture`, and the prefix of the family's keys.
  public var name: String
  public var norm: Norm
  /// Norms of each head's queries and keys, or of all heads' together, before they are rotated; nil for none.
  public var headNorm: Norm?
  public var rotary: Rotary?
  /// What the scores of attention are multiplied by.
  public var attentionScale: AttentionScale
  /// Layers that see a window alone.
  public var windows: Windows?
  /// Whether each head has a logit that takes part in the softmax (`attn_sinks`).
  public var hasSinks: Bool
  /// Whether attention and feed-forward network both read the residual stream as it is before the layer. A network without a
  /// norm of its own then reads what attention reads.
  public var isParallel: Bool
  public var feedForward: FeedForward
  public var scales: Scales
  public var names: TensorNames
  /// Tensors, without what follows the first point, that a file may have and that do not bear on the logits.
  public var unused: Set<String>

  public init(
    _ name: String, norm: Norm = .rms, headNorm: Norm? = nil, rotary: Rotary? = Rotary(.halves),
    attentionScale: AttentionScale = .inverseRoot, windows: Windows? = nil, hasSinks: Bool = false,
    isParallel: Bool = false, feedForward: FeedForward = .gated, scales: Scales = Scales(),
    names: TensorNames = .gguf, unused: Set<String> = []
  ) {
    self.name = name
    self.norm = norm
    self.headNorm = headNorm
    self.rotary = rotary
    self.attentionScale = attentionScale
    self.windows = windows
    self.hasSinks = hasSinks
    self.isParallel = isParallel
    self.feedForward = feedForward
    self.scales = scales
    self.names = names
    self.unused = unused
  }
}

extension Architecture {
  /// How a vector is normalized.
  public enum Norm: Hashable, Sendable {
    /// By its root mean square, times a gain.
    case rms
  }

  /// Rotary position embedding.
  public struct Rotary: Hashable, Sendable {
    /// Which elements of a head are turned together.
    public var pairing: RoPE.Pairing
    public var layers: Layers
    /// The tables of factors that the family's files may have; other families' are refused.
    public var factors: Factors

    public enum Layers: Hashable, Sendable {
      case all
      /// All but every n-th.
      case allButEvery(Int)
      /// Those that see a window; all where the model has no windows.
      case windowed
    }

    public enum Factors: Hashable, Sendable {
      case none
      /// One table, `rope_freqs` (Llama 3).
      case one
      /// One for contexts up to the original and one for longer ones (LongRoPE).
      case shortAndLong
    }

    public init(_ pairing: RoPE.Pairing, layers: Layers = .all, factors: Factors = .none) {
      self.pairing = pairing
      self.layers = layers
      self.factors = factors
    }
  }

  /// What the scores of attention are multiplied by.
  public enum AttentionScale: Hashable, Sendable {
    /// 1/√(elements of a key).
    case inverseRoot
    /// `attention.scale`; 0, or no such key, for 1/√(elements of a key).
    case key
  }

  /// Layers of which a token sees `attention.sliding_window` tokens alone.
  public struct Windows: Hashable, Sendable {
    /// Of so many layers the last sees everything, where the file does not say which (`attention.sliding_window_pattern`).
    public var period: Int
    /// Whether it is the first instead.
    public var fullFirst: Bool
    /// Whether layers with a window have another base, `rope.freq_base_swa`, and no scaling.
    public var hasOwnBase: Bool

    public init(period: Int, fullFirst: Bool = false, hasOwnBase: Bool = false) {
      self.period = period
      self.fullFirst = fullFirst
      self.hasOwnBase = hasOwnBase
    }
  }

  /// The feed-forward network.
  public enum FeedForward: Hashable, Sendable {
    /// down(silu(gate(x)) · up(x)). Without a tensor for the gate, the first half of up's rows is it.
    case gated
  }

  /// Factors between the parts, by keys of the file.
  public struct Scales: Hashable, Sendable {
    /// What the token embeddings are multiplied by.
    public var embedding: Factor
    /// What each block's output is multiplied by before it is added to the residual stream.
    public var residual: Factor
    public var logits: Factor
    /// Whether the scales of the feed-forward network's products that a file may have are used; llama.cpp leaves them out in
    /// some families.
    public var feedForwardProducts: Bool

    public enum Factor: Hashable, Sendable {
      case one
      /// The value of a key, 1 where the file has none or 0.
      case key(String)
      case inverseOfKey(String)
    }

    public init(
      embedding: Factor = .one, residual: Factor = .one, logits: Factor = .one, feedForwardProducts: Bool = true
    ) {
      self.embedding = embedding
      self.residual = residual
      self.logits = logits
      self.feedForwardProducts = feedForwardProducts
    }
  }
}

/// What the tensors of a model are called, without `.weight` and `.bias`. Nil for what a family does not have.
public struct TensorNames: Hashable, Sendable {
  public var tokenEmbedding = "token_embd"
  public var outputNorm = "output_norm"
  public var output = "output"
  public var ropeFactors = "rope_freqs"
  public var shortFactors = "rope_factors_short"
  public var longFactors = "rope_factors_long"
  /// Prefix of layer `i`: `blk.i.` with `i` for the hash sign.
  public var layerPrefix = "blk.#."
  public var attentionNorm = "attn_norm"
  public var fused = "attn_qkv"
  public var query = "attn_q"
  public var key = "attn_k"
  public var value = "attn_v"
  public var queryNorm = "attn_q_norm"
  public var keyNorm = "attn_k_norm"
  public var sinks = "attn_sinks"
  public var attentionOutput = "attn_output"
  /// The norm of attention's output, before it is added to the residual stream.
  public var postAttentionNorm: String?
  public var feedForwardNorm: String? = "ffn_norm"
  public var gate = "ffn_gate"
  public var up = "ffn_up"
  public var down = "ffn_down"
  public var postFeedForwardNorm: String?

  /// The names of the GGUF specification.
  public static let gguf = TensorNames()

  /// Norms both before and after each block.
  public static let normsAround = TensorNames(
    postAttentionNorm: "post_attention_norm", postFeedForwardNorm: "post_ffw_norm")

  /// The name of a tensor of layer `index`.
  func inLayer(_ index: Int, _ name: String) -> String {
    layerPrefix.replacing("#", with: String(index)) + name
  }
}
