public import PumiceGPU
public import PumiceOperators

/// How an operator runs: its variants, and which of them to prefer.
public protocol Dispatchable: Operator {
  static var variants: [Variant<Self>] { get }

  /// Names of variants in the order in which to try them for this problem on this device. Variants that are not named
  /// follow in the order of `variants`.
  func preference(on device: DeviceInfo) -> [String]
}

extension Dispatchable {
  /// Every shader that a variant names.
  public static var shaderPaths: [String] { variants.flatMap(\.shaders) }

  /// The names of all variants.
  public static var variantNames: [String] { variants.map(\.name) }

  public func preference(on device: DeviceInfo) -> [String] { [] }

  /// All variants, the preferred first.
  public func orderedVariants(on device: DeviceInfo) -> [Variant<Self>] {
    let names = preference(on: device)
    return names.compactMap { name in Self.variants.first { $0.name == name } }
      + Self.variants.filter { !names.contains($0.name) }
  }
}

extension OperatorName {
  /// The type behind the name. No `default`: a new operator does not build until it has a dispatch.
  public var dispatchable: any Dispatchable.Type {
    switch self {
    case .embeddingGather: EmbeddingGather.self
    case .matMul: MatMul.self
    case .sparseMatMul: SparseMatMul.self
    case .rmsNorm: RMSNorm.self
    case .rope: RoPE.self
    case .kvAppend: KVAppend.self
    case .attention: Attention.self
    case .attentionTiles: AttentionTiles.self
    case .layerNorm: LayerNorm.self
    case .activation: Activation.self
    case .scaledSum: ScaledSum.self
    case .headCopy: HeadCopy.self
    case .expertRouting: ExpertRouting.self
    case .expertMatMul: ExpertMatMul.self
    case .expertSum: ExpertSum.self
    case .causalConvolution: CausalConvolution.self
    case .selectiveScan: SelectiveScan.self
    case .softmax: Softmax.self
    case .argMax: ArgMax.self
    case .packBitPlanes: PackBitPlanes.self
    case .bitPlaneMatMul: BitPlaneMatMul.self
    case .quantizeActivations: QuantizeActivations.self
    case .int8MatMul: Int8MatMul.self
    }
  }
}
