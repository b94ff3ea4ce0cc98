public import PumiceOperators

/// What the layers of a family of models are made of. A value: a new family of known parts is a new instance.
public struct Architecture: Hashable, Sendable {
  /// Elementwise part of the feed-forward network.
  public enum FeedForward: Hashable, Sendable {
    /// down(silu(gate(x)) · up(x)).
    case swiGLU
  }

  /// The value of `general.architecture`, and the prefix of the family's keys.
  public var name: String
  public var feedForward: FeedForward
  /// Which elements of a head the rotary embedding turns together.
  public var ropePairing: RoPE.Pairing
  public var names: TensorNames

  public init(name: String, feedForward: FeedForward, ropePairing: RoPE.Pairing, names: TensorNames = .gguf) {
    self.name = name
    self.feedForward = feedForward
    self.ropePairing = ropePairing
    self.names = names
  }

  /// Llama 1 to 3, Mistral, and all that share their layers (Touvron et al. 2023). GGUF files hold the query and key
  /// weights permuted so that adjacent elements form a pair.
  public static let llama = Architecture(name: "llama", feedForward: .swiGLU, ropePairing: .adjacent)

  /// Every architecture that can be run.
  public static let all = [llama]
}

/// What the tensors of a model are called, without `.weight` and `.bias`.
public struct TensorNames: Hashable, Sendable {
  public var tokenEmbedding: String
  public var outputNorm: String
  public var output: String
  public var ropeFactors: String
  /// Prefix of layer `i`: `blk.i.` with `i` for the hash sign.
  public var layerPrefix: String
  public var attentionNorm: String
  public var query: String
  public var key: String
  public var value: String
  public var attentionOutput: String
  public var feedForwardNorm: String
  public var gate: String
  public var up: String
  public var down: String

  /// The names of the GGUF specification.
  public static let gguf = TensorNames(
    tokenEmbedding: "token_embd", outputNorm: "output_norm", output: "output", ropeFactors: "rope_freqs",
    layerPrefix: "blk.#.", attentionNorm: "attn_norm", query: "attn_q", key: "attn_k", value: "attn_v",
    attentionOutput: "attn_output", feedForwardNorm: "ffn_norm", gate: "ffn_gate", up: "ffn_up", down: "ffn_down")

  /// The name of a tensor of layer `index`.
  func inLayer(_ index: Int, _ name: String) -> String {
    layerPrefix.replacing("#", with: String(index)) + name
  }
}
