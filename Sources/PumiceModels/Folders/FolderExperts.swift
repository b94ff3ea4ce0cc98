import PumiceModelFiles
import PumiceOperators

/// The mixture of experts of a family of folders: what its configuration does not say, or says in its own way. Its numbers
/// are read under all the names that are in use for them.
struct FolderExperts: Sendable {
  /// What the scores of experts are; `scoring_func` says it otherwise.
  var scoring = ExpertRouting.Scoring.softmax
  /// Whether weights are divided by their sum where `norm_topk_prob` does not say; nil where the family's models all do as
  /// the architecture does.
  var normalizes: Bool?
  /// The keys of the length of an expert; the first that is there.
  var length = ["moe_intermediate_size", "intermediate_size"]
  /// Where the numbers are, if not beside those of the layers.
  var object: String?

  static let count = ["num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"]
  static let used = ["num_experts_per_tok", "num_experts_per_token", "moe_k", "moe_topk", "moe_top_k"]
  static let sharedLength = [
    "shared_expert_intermediate_size", "moe_shared_expert_intermediate_size", "shared_intermediate_size",
  ]
  static let sharedCount = ["n_shared_experts", "moe_num_shared_experts", "num_shared_expert", "num_shared_experts"]
  static let dense = ["first_k_dense_replace", "moe_layer_start_index", "num_dense_layers"]
  static let sources: Set<String> = Set(count + used + ["n_group", "num_nextn_predict_layers"])
  /// Two names of the same, of which the second is Kimi Linear's.
  static let normalization = ["norm_topk_prob", "moe_renormalize"]
}

/// What a folder says about its experts.
struct FolderMixture {
  var count: Int
  var used: Int
  var length: Int
  var sharedLength: Int
  var sharedCount: Int
  /// Layers at the start without experts.
  var dense: Int
  var scoring: ExpertRouting.Scoring
  var normalizes: Bool?
  var scale: Double?
  var groups: ExpertRouting.Groups?

  /// - Returns: nil for a model without experts.
  /// - Throws: `unsupportedModel` for a choice that cannot be made, and what is wrong with which key.
  init?(_ experts: FolderExperts?, _ outer: FolderSettings) throws(ModelFileError) {
    guard let experts else { return nil }
    var settings = outer
    if let object = experts.object, let inner = try outer.reader.optionalObject(object) { settings.reader = inner }
    guard let count = try settings.sameSize(FolderExperts.count, from: 0), count > 1 else { return nil }
    self.count = count
    guard let used = try settings.sameSize(FolderExperts.used) else {
      throw settings.reader.failure(.missingKey, FolderExperts.used[0], "the file does not have it")
    }
    self.used = used
    guard let length = try settings.sameSize(experts.length + ["ffn_hidden_size"]) else {
      throw settings.reader.failure(.missingKey, experts.length[0], "the file does not have it")
    }
    self.length = length
    let sharedCount = try settings.sameSize(FolderExperts.sharedCount, from: 0)
    let sharedLength = try settings.sameSize(FolderExperts.sharedLength, from: 0)
    self.sharedLength = sharedLength ?? (sharedCount ?? 0) * length
    self.sharedCount = sharedCount ?? (self.sharedLength > 0 ? 1 : 0)
    dense = try settings.sameSize(FolderExperts.dense, from: 0) ?? 0
    scoring = experts.scoring
    switch try settings.text("scoring_func", "moe_router_activation_func") {
    case nil: break
    case "softmax"?: scoring = .softmax
    case "sigmoid"?: scoring = .sigmoid
    case let name?: throw settings.refusal("scoring_func", "“\(name)” cannot be run, only softmax and sigmoid")
    }
    normalizes = experts.normalizes
    for key in FolderExperts.normalization where normalizes != nil {
      if let stated = try settings.flag(key) { normalizes = stated }
    }
    scale = try settings.number("routed_scaling_factor")
    if let count = try settings.optionalSize("n_group", "num_expert_group"), count > 1,
      try settings.text("topk_method") != "greedy"
    {
      // The architecture's groups are as good as their two best experts.
      if try settings.text("topk_method") == "group_limited_greedy" {
        throw settings.refusal("topk_method", "groups that are as good as their best expert alone cannot be run")
      }
      groups = ExpertRouting.Groups(count: count, chosen: try settings.size("topk_group"))
    }
  }

  /// The same in GGUF's keys.
  var metadata: [(key: String, value: GGUFValue)] {
    func number(_ value: Int) -> GGUFValue { .uint32(UInt32(clamping: value)) }
    var keys: [(String, GGUFValue)] = [
      ("expert_count", number(count)), ("expert_used_count", number(used)),
      ("expert_feed_forward_length", number(length)), ("leading_dense_block_count", number(dense)),
      ("expert_gating_func", number(scoring == .softmax ? 1 : scoring == .sigmoid ? 2 : 3)),
    ]
    if sharedLength > 0 {
      keys.append(("expert_shared_count", number(sharedCount)))
      keys.append(("expert_shared_feed_forward_length", number(sharedLength)))
    }
    if let normalizes { keys.append(("expert_weights_norm", .bool(normalizes))) }
    if let scale { keys.append(("expert_weights_scale", .float32(Float(scale)))) }
    if let groups {
      keys.append(("expert_group_count", number(groups.count)))
      keys.append(("expert_group_used_count", number(groups.chosen)))
    }
    return keys
  }

  /// The architecture with the choice as the folder has it.
  func adapt(_ architecture: inout Architecture) {
    if let normalizes, architecture.experts?.normalization != .key {
      architecture.experts?.normalization = normalizes ? .always : .never
    }
  }
}
