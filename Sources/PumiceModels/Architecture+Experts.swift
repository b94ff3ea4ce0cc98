public import PumiceOperators

extension Architecture {
  /// A mixture of experts as feed-forward network (Shazeer et al. 2017, "Outrageously Large Neural Networks"): a router chooses
  /// few of many networks for every token, and their outputs are added up, each with its weight.
  ///
  /// What is not said here is said by a file: which layers have a router, how many experts there are and how many are chosen,
  /// their lengths, groups, the factor of the weights (`expert_weights_scale`), biases, and scales of products.
  public struct Experts: Hashable, Sendable {
    public var scoring: Scoring = .of(.softmax)
    public var normalization: Normalization = .always
    /// Whether files may have a bias of the scores for the choice alone.
    public var hasSelectionBias = false
    /// What the router reads.
    public var routerInput: Input = .normalized
    /// What the experts read.
    public var input: Input = .normalized
    /// Whether the weights multiply what experts read instead of what they give (Llama 4). Only for gated networks.
    public var weighsInput = false
    /// An expert that every token uses besides.
    public var shared: Shared = .none
    /// What becomes of a feed-forward network without experts in a layer with them.
    public var dense: Dense = .absent
    /// What the sum of the experts and the shared expert, or the network beside them, is multiplied by.
    public var combinedScale: Float = 1
    /// Whether experts work in a smaller space, with projections into it and back (`ffn_latent_down`, `ffn_latent_up`).
    public var isLatent = false
    /// What cuts off the gates and ups of experts.
    public var limit: Limit = .key(nil)

    /// What the score of an expert is.
    public enum Scoring: Hashable, Sendable {
      case of(ExpertRouting.Scoring)
      /// As `expert_gating_func` says; the given one where it says nothing.
      case key(ExpertRouting.Scoring)
    }

    /// Whether the weights of the chosen experts are divided by their sum.
    public enum Normalization: Hashable, Sendable {
      case always
      case never
      /// If `expert_weights_norm` is true.
      case key
    }

    public enum Input: Hashable, Sendable {
      /// What a feed-forward network of the layer reads.
      case normalized
      /// The residual stream as it is before attention.
      case stream
      /// The same with a norm of its own (`ffn_norm_exps`).
      case ownNorm
    }

    public enum Shared: Hashable, Sendable {
      case none
      /// In files that have its tensors.
      case optional
      case required
      /// With a gate: the sigmoid of a projection to one number multiplies what it gives.
      case gated
    }

    public enum Dense: Hashable, Sendable {
      case absent
      /// It runs beside the experts, in files that have one, and what it gives is added to theirs.
      case optional
      case required
      /// Files may have one that is not used.
      case unused
    }

    /// How large numbers of gated experts are cut off.
    public enum Limit: Hashable, Sendable {
      /// Activated gates above `swiglu_clamp_exp`, or the number given where there is no such key, and ups beyond ± it; for
      /// the shared expert `swiglu_clamp_shexp`. 0 or nil for nothing.
      case key(Float?)
      /// Gates above `swiglu_clamp_exp`, or the number given where there is no such key, before they are activated, and ups
      /// beyond ± it (Maple).
      case gates(Float)
      /// Gates above it, ups beyond ± it, and 1 added to the ups (gpt-oss).
      case gatesAddingOne(Float)
    }
  }
}
