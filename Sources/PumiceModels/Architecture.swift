public import PumiceOperators

/// What the layers of a family of models are made of. A value: a new family of known parts is a new instance, and those that
/// there are lie in `Architectures`.
///
/// What is not said here is said by a file: sizes, which optional biases and scales there are, and whether queries, keys and
/// values lie in one tensor or in three.
public struct Architecture: Hashable, Sendable {
  /// The value of `general.architecture`, and the prefix of the family's keys.
  public var name: String
  public var norm: Norm = .rms
  /// Norms of queries and keys; nil for none.
  public var headNorm: HeadNorm?
  /// Rotary position embedding; nil for none.
  public var rotary: Rotary? = Rotary(.halves)
  /// Penalties for distance (ALiBi).
  public var alibi: Alibi = .none
  /// What the scores of attention are multiplied by.
  public var attentionScale: AttentionScale = .inverseRoot
  /// What queries far back in a text are multiplied by besides.
  public var temperature: Temperature = .none
  /// Whether scores of attention and logits are kept within the values of keys (Gemma 2).
  public var caps: Caps = Caps()
  /// Layers that see a window alone.
  public var windows: Windows?
  /// Whether each head has a logit that takes part in the softmax (`attn_sinks`).
  public var hasSinks = false
  /// Whether files may lack it in some layers.
  public var sinksAreOptional = false
  /// Whether queries, keys and values are kept within `attention.clamp_kqv`.
  public var clampsProjections = false
  /// Whether a function of a further projection (`attn_gate`) multiplies what attention gives.
  public var attentionGate: AttentionGate = .none
  /// f(s · x) / s is what multiplies, with this function and sharpness s.
  public var attentionGateFunction: Activation.Function = .sigmoid
  public var attentionGateSharpness: Float = 1
  /// Keys and values made of latents; nil for plain attention.
  public var latentAttention: LatentAttention?
  /// Whether an indexer chooses what attention sees of long texts; only texts in which it chooses everything are run.
  public var hasIndexer = false
  /// Recurrent blocks; nil where there are none.
  public var recurrence: Recurrence?
  public var residual: Residual = .sequential
  public var feedForward: FeedForward = .gated(.silu)
  /// The mixture of experts that takes the place of the feed-forward network in layers with a router; nil where the family has
  /// none.
  public var experts: Experts?
  /// What the feed-forward length that a file states is divided by.
  public var feedForwardDivisor = 1
  /// Whether the norms of the residual stream are of so many parts of it, each for itself, as
  /// `attention.group_norm_groups` says.
  public var hasNormGroups = false
  /// What the token embeddings are normalized with.
  public var embeddingNorm: EmbeddingNorm = .none
  /// Whether learned embeddings of positions are added to those of tokens.
  public var positionEmbedding: PositionEmbedding = .none
  /// The ε of norms after blocks, where it is not that of the others.
  public var postNormEpsilon: Float?
  public var scales: Scales = Scales()
  public var names: TensorNames = .gguf
  /// What families have besides that read texts and write none; nil for those that write.
  public var encoder: EncoderTraits?
  /// Whether files may state a number of experts that the layers do not have; their tensors would be refused.
  public var ignoresExpertCount = false
  /// Tensors, without number of the layer and perhaps without ending, that a file may have and that do not bear on the
  /// logits: those of other tasks, and those that llama.cpp accepts and leaves out.
  public var unused: Set<String> = []
}

extension Architecture {
  /// How a vector is normalized.
  public enum Norm: Hashable, Sendable {
    /// By its root mean square.
    case rms
    /// By its root mean square, without a gain.
    case plainRMS
    /// By mean and standard deviation.
    case layer
    /// By mean and standard deviation, without gain and bias.
    case plainLayer
    /// By its root mean square, and a bias is added.
    case rmsAndBias
    /// By its root mean square in files that state the ε of it, else by mean and standard deviation.
    case byKey
  }

  /// Norms of queries and keys: of each head with one gain or one for each head, or of all heads together, as the file's gains
  /// are.
  public struct HeadNorm: Hashable, Sendable {
    public var norm: Norm = .rms
    public var isAfterRotary = false
    /// Whether files may lack it.
    public var isOptional = false
    /// Whether it is left out in layers without rotary embedding.
    public var isRotatedOnly = false
    /// The number of experts in models without it (Llama 4 with 128).
    public var absentWithExperts: Int?
  }

  /// Rotary position embedding.
  public struct Rotary: Hashable, Sendable {
    /// Which elements of a head are turned together.
    public var pairing: RoPE.Pairing
    /// The same where positions have several coordinates (`rope.dimension_sections`); of text, these are all the same.
    public var sectionPairing: RoPE.Pairing
    public var layers: Layers
    /// The tables of factors that the family's files may have.
    public var factors: Factors
    /// What the key of YaRN's other magnitude is multiplied by (`rope.scaling.yarn_log_multiplier`).
    public var logMultiplierUnit: Double
    /// Whether the ends of YaRN's blend are rounded to whole pairs.
    public var roundsBlend: Bool

    public enum Layers: Hashable, Sendable {
      case all
      /// All but every n-th.
      case allButEvery(Int)
      /// Those that see a window; all where the model has no windows.
      case windowed
      /// Those and the leading ones without experts (Cohere 2 with experts).
      case windowedOrLeadingDense
      /// All in models with so many, none in others (Baichuan).
      case inModels(layers: Int)
      /// All, unless `rope.scaling.finetuned` is false (Granite).
      case byKey
    }

    public enum Factors: Hashable, Sendable {
      case none
      /// One table, `rope_freqs` (Llama 3).
      case one
      /// One for contexts up to the original and one for longer ones (LongRoPE).
      case shortAndLong
    }

    public init(
      _ pairing: RoPE.Pairing, sections: RoPE.Pairing? = nil, layers: Layers = .all, factors: Factors = .none,
      logMultiplierUnit: Double = 1, roundsBlend: Bool = true
    ) {
      self.pairing = pairing
      sectionPairing = sections ?? pairing
      self.layers = layers
      self.factors = factors
      self.logMultiplierUnit = logMultiplierUnit
      self.roundsBlend = roundsBlend
    }
  }

  /// The largest exponent of the slopes (Press et al. 2022), `attention.max_alibi_bias`.
  public enum Alibi: Hashable, Sendable {
    case none
    case key
    /// That of the key, or a number where files lack it.
    case keyOr(Float)
    /// A number for models with so many layers, which then have no rotary embedding (Baichuan 13B).
    case withLayers(Int, Float)
  }

  public enum AttentionGate: Hashable, Sendable {
    case none
    case perElement
    case perHead
    /// As the file's tensor is, if there is one.
    case byShape
    /// For each element, after the query of each head in one projection (Qwen3-Next).
    case inQuery
  }

  /// What the scores of attention are multiplied by.
  public enum AttentionScale: Hashable, Sendable {
    /// 1/√(elements of a key).
    case inverseRoot
    /// 1/(elements of a key).
    case inverse
    /// `attention.scale`; 0, or no such key, for 1/√(elements of a key).
    case key
    /// `attention.output_scale`, or a number where files lack it (Grok).
    case outputKeyOr(Float)
    /// 1/√(width / heads) for models with so many layers, else 1/√(elements of a key) (Gemma 2 and 3 with 27 billion weights).
    case shareOfWidth(layers: Int)
  }

  /// What the queries of a token are multiplied by, which grows with its position: 1 + scale · ln(1 + ⌊(position + offset) /
  /// length⌋).
  public enum Temperature: Hashable, Sendable {
    case none
    /// In all layers, with `attention.temperature_scale`, the original context of rotary scaling, and no offset (Mistral 3).
    case key
    /// In all layers, with `attention.temperature_scale`, `attention.temperature_length`, and no offset (Mistral Large 3).
    case keys
    /// In layers without rotary embedding (Llama 4).
    case unrotated(length: Int, scale: Float, offset: Int)
  }

  public struct Caps: Hashable, Sendable {
    /// Whether scores are within `attn_logit_softcapping`, and what they are within where files lack it.
    public var scores = false
    public var scoresWithoutKey: Float?
    /// Whether logits are within `final_logit_softcapping`.
    public var logits = false
  }

  /// Layers of which a token sees `attention.sliding_window` tokens alone.
  public struct Windows: Hashable, Sendable {
    /// Of so many layers the last sees everything, where the file does not say which (`attention.sliding_window_pattern`).
    public var period: Int
    /// Whether files may say which; false where `period` holds whatever they state (LFM2).
    public var isStated = true
    /// Whether it is the first instead.
    public var fullFirst = false
    /// Whether a token is in the middle of its window, which is half to either side and itself.
    public var isCentered = false
    /// How many layers a model has that has windows; nil for any (EXAONE 4 with 32 billion weights).
    public var layers: Int?
    /// Whether the text is cut into pieces, each as long as `size` whatever a file states, and a token sees those before it in
    /// its own (Llama 4).
    public var isChunked = false
    /// The window where files do not state one; nil for none.
    public var size: Int?
    /// The base of rotary frequencies in layers with a window.
    public var base: Base = .same

    public enum Base: Hashable, Sendable {
      case same
      /// `rope.freq_base_swa`, or that of the other layers.
      case key
      /// `rope.freq_base_swa`, or 10000, and without the scaling of other layers (Gemma 3).
      case unscaled
      /// `rope.freq_base_swa`, or that of the other layers, without their scaling, for `rope.dimension_count_swa` elements
      /// (Laguna, Mellum).
      case keyUnscaled
    }
  }

  /// How attention, feed-forward network and residual stream meet.
  public enum Residual: Hashable, Sendable {
    /// The feed-forward network reads the stream after attention.
    case sequential
    /// Both read the stream as it is before the layer; a network without a norm of its own reads what attention reads.
    case parallel
    /// Parallel if `use_parallel_residual` is true.
    case parallelByKey
    /// Parallel in files without a norm for the feed-forward network.
    case parallelWithoutNorm
    /// Sequential, and the stream is what norms after the blocks give: x ← norm(x + f(x)) (BERT).
    case normalized
  }

  /// The feed-forward network.
  public enum FeedForward: Hashable, Sendable {
    /// down(f(gate(x)) · up(x)). Without a tensor for the gate, the first half of up's rows is it.
    case gated(Activation.Function)
    /// down(f(up(x))).
    case plain(Activation.Function)
    /// `gated` in layers with a gate, be it in a tensor of its own or in up's, else `plain`.
    case gatedOrPlain(Activation.Function)
  }

  /// What the token embeddings are normalized with.
  public enum EmbeddingNorm: Hashable, Sendable {
    case none
    /// The architecture's norm with weights of its own, `token_embd_norm`.
    case weights
    /// The root mean square.
    case plainRMS
  }

  public enum PositionEmbedding: Hashable, Sendable {
    case none
    /// In files that have a table of them.
    case optional
    case required
  }

  /// Factors between the parts, by keys of the file.
  public struct Scales: Hashable, Sendable {
    /// What the token embeddings are multiplied by.
    public var embedding: Factor = .one
    /// What each block's output is multiplied by before it is added to the residual stream.
    public var residual: Factor = .one
    public var logits: Factor = .one
    /// What attention gives.
    public var attention: Factor = .one
    /// Whether the scales of the feed-forward network's products that a file may have are used; llama.cpp does so in some
    /// families alone.
    public var feedForwardProducts = false

    public enum Factor: Hashable, Sendable {
      case one
      /// √(width of the residual stream).
      case rootOfWidth
      /// The value of a key, 1 where the file has none or 0.
      case key(String)
      /// The value of a key, or a number where the file has none.
      case keyOr(String, Float)
      case inverseOfKey(String)
      case constant(Float)
      /// A number divided by √(layers).
      case byRootOfDepth(Float)
      /// A number divided by the width of the residual stream.
      case byWidth(Float)
    }
  }
}

extension Architecture {
  /// Whether a tensor may be there and does not bear on the logits.
  func leavesUnused(_ name: String) -> Bool {
    let parts = name.split(separator: ".")
    let inLayer = parts.first == "blk" ? parts.dropFirst(2) : parts[...]
    return unused.contains(inLayer.joined(separator: ".")) || inLayer.first.map { unused.contains(String($0)) } == true
  }
}

/// What the tensors of a model are called, without `.weight` and `.bias`. Nil for what a family does not have.
public struct TensorNames: Hashable, Sendable {
  public var tokenEmbedding = "token_embd"
  public var embeddingNorm = "token_embd_norm"
  public var positionEmbedding = "position_embd"
  public var outputNorm = "output_norm"
  public var output = "output"
  public var ropeFactors = "rope_freqs"
  public var shortFactors = "rope_factors_short"
  public var longFactors = "rope_factors_long"
  /// Prefix of layer `i`: `blk.i.` with `i` for the hash sign.
  public var layerPrefix = "blk.#."
  public var tokenTypes = "token_types"
  /// The first that a file has. None: attention reads the residual stream as it is.
  public var attentionNorms = ["attn_norm"]
  public var fused = "attn_qkv"
  public var query = "attn_q"
  public var key = "attn_k"
  public var value = "attn_v"
  public var queryNorm = "attn_q_norm"
  public var keyNorm = "attn_k_norm"
  public var sinks = "attn_sinks"
  public var attentionGate = "attn_gate"
  public var attentionOutput = "attn_output"
  /// The norm of attention's output, before it is added to the residual stream.
  public var postAttentionNorm: String?
  public var feedForwardNorm: String? = "ffn_norm"
  /// A norm of the stream and `feedForwardNorm`'s output together, in files that have it (Jina's BERT 2 for code).
  public var secondNorm: String?
  public var gate = "ffn_gate"
  public var up = "ffn_up"
  /// What divides the activated numbers (AWQ).
  public var activationScales = "ffn.act.scales"
  public var down = "ffn_down"
  public var postFeedForwardNorm: String?
  /// The norm of the stream after the feed-forward network.
  public var layerOutputNorm: String?
  /// Layers after pooling, in files that have them.
  public var dense = ["dense_2", "dense_3"]
  public var router = "ffn_gate_inp"
  public var selectionBias = "exp_probs_b"
  public var expertNorm = "ffn_norm_exps"
  public var expertGate = "ffn_gate_exps"
  public var expertUp = "ffn_up_exps"
  /// Gates and ups in one, the gates' rows first in each expert.
  public var expertGateAndUp = "ffn_gate_up_exps"
  public var expertDown = "ffn_down_exps"
  public var sharedRouter = "ffn_gate_inp_shexp"
  public var sharedGate = "ffn_gate_shexp"
  public var sharedUp = "ffn_up_shexp"
  public var sharedDown = "ffn_down_shexp"
  public var latentDown = "ffn_latent_down"
  public var latentUp = "ffn_latent_up"

  /// The names of the GGUF specification.
  public static let gguf = TensorNames()

  /// Norms both before and after each block.
  public static let normsAround = TensorNames(
    postAttentionNorm: "post_attention_norm", postFeedForwardNorm: "post_ffw_norm")

  /// Norms after each block alone.
  public static let normsAfter = TensorNames(
    attentionNorms: [], postAttentionNorm: "post_attention_norm", feedForwardNorm: nil,
    postFeedForwardNorm: "post_ffw_norm")

  /// Norms of the stream after each block (BERT).
  public static let normsOfSums = TensorNames(
    attentionNorms: [], feedForwardNorm: "attn_output_norm", layerOutputNorm: "layer_output_norm")

  /// The name of a tensor of layer `index`.
  func inLayer(_ index: Int, _ name: String) -> String {
    layerPrefix.replacing("#", with: String(index)) + name
  }
}
