import PumiceModelFiles

/// The recurrent blocks of a family of folders.
struct FolderRecurrence: Sendable {
  /// The numbers of the blocks.
  var sizes: @Sendable (FolderSettings) throws(ModelFileError) -> Sizes
  /// What each layer is made of, where the configuration does not list it; nil for the blocks that all layers of the
  /// architecture have.
  var layers: @Sendable (FolderSettings) throws(ModelFileError) -> [Layer]? = { _ in nil }

  struct Sizes: Hashable, Sendable {
    /// Channels that are scanned: of a delta net those of its values.
    var inner: Int
    /// Taps of the convolution.
    var taps: Int
    /// 0 where there is only a convolution.
    var states: Int
    /// Heads, or in Mamba the numbers that steps are made of.
    var steps: Int
    /// Groups of heads: a delta net's heads of keys; 0 in Mamba.
    var groups: Int

    /// Channels of a head.
    var headSize: Int { inner / steps }
  }

  enum Layer: Sendable {
    case attention
    case recurrence
    case network
    case experts
  }
}

extension FolderRecurrence.Sizes {
  /// The same in GGUF's keys.
  var metadata: [(key: String, value: GGUFValue)] {
    func number(_ value: Int) -> GGUFValue { .uint32(UInt32(clamping: value)) }
    if states == 0 { return [("shortconv.l_cache", number(taps))] }
    return [
      ("ssm.conv_kernel", number(taps)), ("ssm.inner_size", number(inner)), ("ssm.state_size", number(states)),
      ("ssm.time_step_rank", number(steps)),
    ] + (groups > 0 ? [("ssm.group_count", number(groups))] : [])
  }
}

extension FolderSettings {
  /// What each layer is made of, as the configuration lists it; nil where it does not.
  func recurrentLayers() throws(ModelFileError) -> [FolderRecurrence.Layer]? {
    if let pattern = try text("hybrid_override_pattern") {
      return try list("hybrid_override_pattern", of: pattern.map(String.init))
    }
    for key in ["layers_block_type", "layer_types"] {
      guard let values = try reader.optionalArray(key) else { continue }
      var names: [String] = []
      for value in values {
        guard case .string(let name) = value else {
          throw reader.failure(.wrongKeyType, key, "has \(value.typeName), expected strings")
        }
        names.append(name)
      }
      return try list(key, of: names)
    }
    return nil
  }

  private func list(_ key: String, of names: [String]) throws(ModelFileError) -> [FolderRecurrence.Layer] {
    guard names.count == layerCount else {
      throw reader.failure(.invalidMetadata, key, "is for \(names.count) layers of \(layerCount)")
    }
    var layers: [FolderRecurrence.Layer] = []
    for name in names {
      switch name {
      case "full_attention", "attention", "*": layers.append(.attention)
      case "linear_attention", "mamba", "conv", "M": layers.append(.recurrence)
      case "mlp", "-": layers.append(.network)
      case "moe", "E": layers.append(.experts)
      default: throw refusal(key, "has “\(name)”, which cannot be run")
      }
    }
    return layers
  }
}

extension FolderConfiguration {
  /// Which layers recur, in the keys that the architecture has for it.
  mutating func setRecurrence(_ family: FolderRecurrence, _ settings: FolderSettings) throws(ModelFileError) {
    let sizes = try family.sizes(settings)
    guard sizes.steps > 0, sizes.inner % sizes.steps == 0 || sizes.groups == 0,
      sizes.groups == 0 || sizes.steps % sizes.groups == 0
    else {
      throw settings.reader.failure(
        .invalidMetadata, "model_type",
        "\(sizes.inner) channels, \(sizes.steps) heads of them and \(sizes.groups) "
          + "groups of heads cannot be shared out")
    }
    recurrence = sizes
    for (key, value) in sizes.metadata { set(key, value) }
    let listed = try settings.recurrentLayers(), other = try family.layers(settings)
    guard let layers = listed ?? other else { return }
    let attends = layers.map { $0 == .attention }
    switch architecture.recurrence?.layers {
    case nil, .alone?, .besideAttention?: return
    case .byInterval?:
      let interval = (attends.firstIndex(of: true) ?? attends.count) + 1
      if attends.indices.allSatisfy({ attends[$0] == (($0 + 1) % interval == 0) }) {
        set("full_attention_interval", .uint32(UInt32(clamping: interval)))
      } else {
        set("attention.recurrent_layers", .array(.bool(attends.map(!))))
      }
    case .withoutHeads?, .onePerLayer?:
      set("attention.head_count_kv", .array(.uint32(attends.map { $0 ? UInt32(clamping: kvHeads) : 0 })))
      guard architecture.recurrence?.layers == .onePerLayer else { return }
      let lengths = layers.map { layer in
        switch layer {
        case .attention, .recurrence: 0
        case .network: feedForwardLength
        case .experts: mixture?.length ?? 0
        }
      }
      set("feed_forward_length", .array(.uint32(lengths.map { UInt32(clamping: $0) })))
    }
  }
}
