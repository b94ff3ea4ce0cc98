public import PumiceGPU
public import PumiceOperators

extension ExpertRouting: Dispatchable {
  private static let shader = "ExpertRouting/expert_routing.comp"

  public static let variants: [Variant<ExpertRouting>] = RowReduction.variants(
    shader, size: { ($0.tokens, $0.experts) }, passes: \.passes
  ) { op in
    var defines = [op.scoring.rawValue.uppercased(): ""]
    if op.bias { defines["BIAS"] = "" }
    if op.normalizes { defines["NORMALIZES"] = "" }
    if let groups = op.groups {
      defines["GROUP_COUNT"] = "\(groups.count)"
      defines["GROUPS_CHOSEN"] = "\(groups.chosen)"
    }
    return Step(
      shader, defines: defines, bindings: op.arguments.map { .argument($0.name) },
      constants: ["count": UInt32(op.experts), "chosen": UInt32(op.chosen), "scale": op.scale.bitPattern],
      groups: (op.tokens, 1, 1))
  }

  public func preference(on device: DeviceInfo) -> [String] { RowReduction.preference(width: experts, on: device) }

  /// Passes over a row of logits, those over whole groups for each that is chosen among them.
  private var passes: Int { 2 + 2 * chosen + (groups.map { $0.chosen * (experts / $0.count) } ?? 0) }
}
