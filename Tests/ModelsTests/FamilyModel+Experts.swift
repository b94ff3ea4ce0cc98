import PumiceModelFiles
import PumiceModels
import PumiceTensors

/// Mixtures of experts in the tiny models of families.
extension FamilyModel {
  private static let experts = 4

  /// Some families have layers without experts at the start, or between others.
  func hasExperts(_ layer: Int) -> Bool {
    guard architecture.experts != nil else { return false }
    switch architecture.name {
    case "deepseek", "bailingmoe2", "dots1", "glm4moe", "ernie4_5-moe", "exaone-moe", "cohere2moe", "afmoe", "hy_v3",
      "mimo2":
      return layer > 0
    case "llama4", "maion-coder": return layer % 2 == 1
    // Families that are mostly without.
    case "granite", "minicpm", "mistral3", "llama", "granitehybrid", "nemotron_h_moe": return variant == .experts
    case "jamba": return variant == .experts && layer > 0
    case "deepseek2", "mistral4", "deepseek32", "glm-dsa", "lfm2moe", "kimi-linear": return layer > 0
    default: return true
    }
  }

  func addExperts(to metadata: inout GGUFMetadata) {
    let name = architecture.name
    guard let experts = architecture.experts, (0..<8).contains(where: hasExperts) else { return }
    for (key, value) in [
      ("expert_count", Self.experts), ("expert_used_count", 2), ("expert_feed_forward_length", length),
      ("expert_shared_feed_forward_length", length), ("expert_shared_count", 1),
      ("interleave_moe_layer_step", name == "ernie4_5-moe" ? 1 : 2),
      ("leading_dense_block_count", hasExperts(0) ? 0 : 1),
    ] { metadata["\(name).\(key)"] = .uint32(UInt32(value)) }
    if case .key = experts.scoring { metadata["\(name).expert_gating_func"] = .uint32(2) }
    if experts.normalization == .key {
      metadata["\(name).expert_weights_norm"] = .bool(true)
      metadata["\(name).expert_weights_scale"] = .float32(1.5)
    }
    if name == "dots1" {
      metadata["\(name).expert_group_count"] = .uint32(2)
      metadata["\(name).expert_group_used_count"] = .uint32(1)
    }
    if name == "maple" { metadata["\(name).swiglu_clamp_exp"] = .float32(0.375) }
    if experts.isLatent { metadata["\(name).moe_latent_size"] = .uint32(16) }
  }

  mutating func experts(_ prefix: String, _ writer: inout GGUFWriter) {
    let names = architecture.names, kind = architecture.experts!, isBiased = architecture.name == "gpt-oss"
    let inner = kind.isLatent ? 16 : width
    let isGated = if case .gated = architecture.feedForward { true } else { false }
    if kind.input == .ownNorm { norm(prefix + names.expertNorm, .rms, [width], &writer) }
    linear(prefix + names.router, Self.experts, width, bias: isBiased, &writer)
    if kind.hasSelectionBias {
      let ending = architecture.name == "hy_v3" ? "" : ".bias"
      vector(prefix + names.selectionBias + ending, [Self.experts], around: 0, &writer)
    }
    if ["cohere2moe", "hy_v3"].contains(architecture.name) {
      stack(prefix + names.expertGateAndUp, [Self.experts, 2 * length, inner], bias: isBiased, &writer)
    } else {
      if isGated { stack(prefix + names.expertGate, [Self.experts, length, inner], bias: isBiased, &writer) }
      stack(prefix + names.expertUp, [Self.experts, length, inner], bias: isBiased, &writer)
    }
    stack(prefix + names.expertDown, [Self.experts, inner, length], bias: isBiased, &writer)
    if architecture.name == "qwen3moe" {
      for part in [names.expertGate, names.expertUp, names.expertDown] {
        vector(prefix + part + ".scale", [Self.experts], around: 1, &writer)
      }
    }
    if kind.isLatent {
      matrix(prefix + names.latentDown, inner, width, &writer)
      matrix(prefix + names.latentUp, width, inner, &writer)
    }
    if kind.shared != .none {
      if isGated { matrix(prefix + names.sharedGate, length, width, &writer) }
      matrix(prefix + names.sharedUp, length, width, &writer)
      matrix(prefix + names.sharedDown, width, length, &writer)
    }
    if kind.shared == .gated { vector(prefix + names.sharedRouter + ".weight", [width], around: 0, &writer) }
  }

  private mutating func stack(_ name: String, _ shape: Shape, bias: Bool, _ writer: inout GGUFWriter) {
    writer.addTensor(name + ".weight", shape: shape, floats: (0..<shape.count).map { _ in number() * 0.25 })
    if bias { vector(name + ".bias", [shape[0], shape[1]], around: 0, &writer) }
  }
}
