import PumiceModelFiles
import PumiceOperators

/// A family of Hugging Face folders, as a value: which architecture of GGUF its models are, what its tensors are called there,
/// and what its configuration means. Those that are known lie in `Families`.
///
/// What every family has (sizes, heads, rotary positions and their scaling, windows, activation, special tokens) is read by
/// `FolderConfiguration`, under all the names that are in use for it.
struct FolderFamily: Sendable {
  /// The values of `model_type`.
  var types: [String]
  /// The name of the architecture.
  var architecture: String
  /// What stands before the names of tensors; the first that fits is taken off.
  var prefixes = ["model."]
  /// The names of tensors outside of layers, without `.weight` and `.bias`.
  var outer: [String: FolderTarget] = Names.outer
  /// What stands before the names in layer `#`.
  var layers = "layers.#."
  /// The names in a layer. A `#` stands for a number: tensors that differ in it become one.
  var inner: [String: FolderTarget] = Names.llama
  /// Ends of the names of tensors that no program reads, beside `inv_freq`.
  var ignored: [String] = []
  /// What stands before the names of tensors that predict tokens further ahead.
  var ignoredPrefixes: [String] = []
  /// Whether GGUF's files hold the rows of queries and keys such that neighbours are turned together, where folders have the
  /// first half of a head turned with the second.
  var hasPairsInGGUF = false
  /// Whether 1 is added to the gains of norms.
  var addsOneToGains = false
  /// Whether the rows of the output's matrix are made as long as 1.
  var normalizesOutput = false
  /// Whether weights are [inputs, outputs] (GPT-2's Conv1D).
  var isTransposed = false
  /// What `tie_word_embeddings` is where the configuration does not say.
  var isTied = false
  /// The ε of norms where the configuration does not say.
  var epsilon: Double?
  var activation = FolderActivation()
  var windows = Windows.refused
  /// Tokens that the model was trained to see at once, where the configuration does not say.
  var context: Int?
  /// The row of the position embeddings that is the first token's; those before it are of no use.
  var firstPosition = 0
  /// Heads of keys, where `num_key_value_heads` is not what says it; nil for as usual.
  var kvHeadCount: @Sendable (FolderSettings) throws(ModelFileError) -> Int? = { _ in nil }
  /// Values that keys must have if they are there; others are refused.
  var wanted: [String: JSONValue] = [:]
  /// Further keys.
  var keys: [FolderKey] = []
  /// The mixture of experts of its models; nil for none.
  var experts: FolderExperts?
  /// The recurrent blocks of its models; nil for none.
  var recurrence: FolderRecurrence?
  /// The latents of its attention; nil for none.
  var hasLatents = false
  /// What products of a layer are multiplied by. Files of GGUF have no place for it.
  var productScales: @Sendable (FolderSettings) throws(ModelFileError) -> [FolderScale] = { _ in [] }
  /// How a family of several kinds of models differs from this value.
  var varies: @Sendable (inout FolderFamily, FolderSettings) throws(ModelFileError) -> Void = { _, _ in }
  /// How layers differ from those of GGUF's files of the same architecture, which have no key to say so.
  var adapts: @Sendable (inout Architecture, FolderSettings) throws(ModelFileError) -> Void = { _, _ in }

  /// What `sliding_window` means where `layer_types` does not say it layer by layer.
  enum Windows {
    /// Nothing that could be run.
    case refused
    /// All layers have it.
    case everywhere
    /// Those that the architecture says, or `sliding_window_pattern`.
    case byArchitecture
  }

  /// All of them.
  static let all: [FolderFamily] = llamaLike + gemma + gpt + others + mixtures + likeDeepSeek + recurrent + encoders

  /// The names of types in print.
  static var names: String { all.flatMap(\.types).sorted().joined(separator: ", ") }
}

/// What a product of every layer is multiplied by.
struct FolderScale: Sendable {
  /// GGUF's name of the weights.
  var name: String
  /// The key that says it.
  var key: String
  /// One number, or one for each part of the rows.
  var values: [Float]
}

/// The activation function of a family.
struct FolderActivation: Hashable, Sendable {
  /// Where the configuration does not name one.
  var standard = "silu"
  /// What some names stand for in this family alone.
  var meanings: [String: Activation.Function] = [:]
  /// Whether the code has one, whatever the configuration says.
  var isFixed = false

  static let gelu = FolderActivation(standard: "gelu")
  static let geluTanh = FolderActivation(standard: "gelu_new")

  /// Source: transformers' `ACT2FN`.
  static let known: [String: Activation.Function] = [
    "silu": .silu, "swish": .silu, "gelu": .geluErf, "gelu_new": .geluTanh, "gelu_pytorch_tanh": .geluTanh,
    "gelu_fast": .geluTanh, "gelu_tanh": .geluTanh, "quick_gelu": .geluQuick, "relu": .relu, "relu2": .reluSquared,
  ]
}

/// A key of GGUF's metadata, without the architecture's name, and where a folder has its value.
struct FolderKey: Sendable {
  let name: String
  /// The keys of `config.json` that are read.
  let sources: [String]
  let value: @Sendable (FolderSettings) throws(ModelFileError) -> GGUFValue?

  init(
    _ name: String, reading sources: [String] = [],
    _ value: @escaping @Sendable (FolderSettings) throws(ModelFileError) -> GGUFValue?
  ) {
    (self.name, self.sources, self.value) = (name, sources, value)
  }

  /// A number; absent or null for no key.
  static func number(_ name: String, _ source: String) -> FolderKey {
    FolderKey(name, reading: [source]) { (settings: FolderSettings) throws(ModelFileError) in
      try settings.number(source).map { .float32(Float($0)) }
    }
  }

  /// A size; absent or null for no key.
  ///
  /// - Parameter other: what says it otherwise; where it is there, there is no key.
  static func size(_ name: String, _ source: String, without other: String? = nil) -> FolderKey {
    FolderKey(name, reading: [source]) { (settings: FolderSettings) throws(ModelFileError) in
      if let other, settings.reader.value(other) != nil { return nil }
      return try settings.optionalSize(source).map { .uint32(UInt32(clamping: $0)) }
    }
  }

  static func flag(_ name: String, _ source: String, default standard: Bool) -> FolderKey {
    FolderKey(name, reading: [source]) { (settings: FolderSettings) throws(ModelFileError) in
      .bool(try settings.flag(source) ?? standard)
    }
  }
}

/// The tables of names that families share.
enum Names {
  static let outer: [String: FolderTarget] = [
    "embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output",
  ]
  static let llama: [String: FolderTarget] = [
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm", "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
  ]
  /// Norms around both blocks, as Gemma 2 calls them.
  static let normsAround = llama.with([
    "post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
  ])
  /// Gate and up in one.
  static let fusedGate = llama.with(["mlp.gate_up_proj": .halves("ffn_gate", "ffn_up")])
}

extension [String: FolderTarget] {
  /// With other names for some tensors; nil for no such tensor.
  func with(_ changes: [String: FolderTarget?]) -> Self {
    var names = self
    for (name, target) in changes { names[name] = target }
    return names
  }
}
