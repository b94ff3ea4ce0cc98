import PumiceModelFiles
import PumiceOperators
import PumiceTensors

extension ModelKeys {
  /// The mixture of experts of a layer, which has one if it has a router.
  func experts(_ index: Int, _ c: ModelConfiguration) throws(ModelFileError) -> ExpertConfiguration? {
    let names = c.architecture.names
    guard let kind = c.architecture.experts, has(names.router, index, names) else { return nil }
    let count = try size("expert_count", most: 1 << 16)
    let used = try size("expert_used_count", most: 1 << 16)
    let down = try file.requiredTensor(named: names.inLayer(index, names.expertDown) + ".weight")
    guard down.shape.rank == 3 else {
      throw file.error(
        .invalidTensor, subject: "tensor \(down.name)", "has the shape \(down.shape), expected a matrix for each expert"
      )
    }
    var experts = ExpertConfiguration(
      count: count, used: used, length: down.shape[2], scoring: try scoring(kind.scoring, c),
      groups: try groups(), normalizes: try normalizes(kind.normalization), scale: try weightScale())
    experts.sharedLength = try sharedLength(index, kind.shared, names)
    let beside = try lengthBesideExperts(index, c.architecture)
    if experts.sharedLength != nil || beside > 0 {
      experts.combinedScale = kind.combinedScale
      experts.scale *= kind.combinedScale
    }
    if kind.isLatent { experts.latentLength = down.shape[1] }
    if case .gates(let absent) = kind.limit { experts.limit = try limit("swiglu_clamp_exp", index, or: absent) }
    if case .key(let absent) = kind.limit {
      experts.limit = try limit("swiglu_clamp_exp", index, or: absent, least: 0.3)
      experts.sharedLimit = try limit("swiglu_clamp_shexp", index, or: nil, least: 0.3)
    }
    do throws(OperatorError) {
      try experts.routing(tokens: 1, bias: false).validate()
    } catch {
      throw invalid("expert_used_count", error.message)
    }
    return experts
  }

  /// The length of the network beside the experts of a layer; 0 where there is none.
  func lengthBesideExperts(_ index: Int, _ architecture: Architecture) throws(ModelFileError) -> Int {
    let names = architecture.names
    switch architecture.experts?.dense {
    case nil, .absent?, .unused?: return 0
    case .optional?: if !has(names.up, index, names) { return 0 }
    case .required?: break
    }
    return try file.requiredTensor(named: names.inLayer(index, names.up) + ".weight").shape[0]
  }

  /// What a file states must not contradict its tensors.
  func checkExperts(_ layers: [LayerConfiguration], _ architecture: Architecture) throws(ModelFileError) {
    let count = try file.optionalInteger(name("expert_count")) ?? 0
    guard count != 0, !architecture.ignoresExpertCount, layers.allSatisfy({ $0.experts == nil }) else { return }
    guard architecture.experts != nil else { throw unsupported("expert_count", "a mixture of \(count) experts") }
    throw invalid("expert_count", "is \(count), but no layer has a router (\(architecture.names.router))")
  }

  private func has(_ tensor: String, _ index: Int, _ names: TensorNames) -> Bool {
    file.tensor(named: names.inLayer(index, tensor) + ".weight") != nil
  }

  private func sharedLength(
    _ index: Int, _ shared: Architecture.Experts.Shared, _ names: TensorNames
  ) throws(ModelFileError) -> Int? {
    switch shared {
    case .none: return nil
    case .optional: if !has(names.sharedUp, index, names) { return nil }
    case .required, .gated: break
    }
    let up = try file.requiredTensor(named: names.inLayer(index, names.sharedUp) + ".weight")
    return up.shape[0]
  }

  // MARK: Numbers

  private func scoring(
    _ scoring: Architecture.Experts.Scoring, _ c: ModelConfiguration
  ) throws(ModelFileError) -> ExpertRouting.Scoring {
    switch scoring {
    case .of(let scoring): return scoring
    case .key(let absent):
      switch try file.optionalInteger(name("expert_gating_func")) ?? 0 {
      // The first files of GLM-4.7-Flash lack the key, and are known by their sizes alone.
      case 0:
        let layers = try size("block_count", most: 1 << 16)
        return prefix == "deepseek2" && (layers, c.vocabularySize) == (47, 154880) ? .sigmoid : absent
      case 1: return .softmax
      case 2: return .sigmoid
      case 3: return .softmaxOfChosen
      case let other: throw unsupported("expert_gating_func", "\(other); 1 to 3 are supported")
      }
    }
  }

  private func normalizes(_ kind: Architecture.Experts.Normalization) throws(ModelFileError) -> Bool {
    switch kind {
    case .always: true
    case .never: false
    case .key: try file.optionalBool(name("expert_weights_norm")) ?? false
    }
  }

  /// 0 stands for 1, as converters write it.
  private func weightScale() throws(ModelFileError) -> Float {
    let scale = Float(try file.optionalFloat(name("expert_weights_scale")) ?? 0)
    guard scale.isFinite else { throw invalid("expert_weights_scale", "\(scale) is not a factor") }
    return scale == 0 ? 1 : scale
  }

  private func groups() throws(ModelFileError) -> ExpertRouting.Groups? {
    let count = try file.optionalInteger(name("expert_group_count"), in: 0...1 << 16) ?? 0
    guard count > 1 else { return nil }
    return ExpertRouting.Groups(
      count: count, chosen: try file.integer(name("expert_group_used_count"), in: 0...1 << 16))
  }

  /// A number for all layers, or one for each.
  ///
  /// - Parameter least: what activated gates are always above the negative of, so that both can be kept within ± the limit.
  private func limit(
    _ key: String, _ index: Int, or absent: Float?, least: Float = 0
  ) throws(ModelFileError) -> Float? {
    let stated: Double?
    if case .array? = file.metadata[name(key)] {
      let list = try file.floatArray(name(key))
      guard index < list.count else { throw invalid(key, "has numbers for \(list.count) layers alone") }
      stated = list[index]
    } else {
      stated = try file.optionalFloat(name(key))
    }
    guard let limit = stated.map({ Float($0) }) ?? absent, limit > 1e-6 else { return nil }
    guard limit >= least, limit.isFinite else { throw unsupported(key, "\(limit), which is below \(least)") }
    return limit
  }
}
