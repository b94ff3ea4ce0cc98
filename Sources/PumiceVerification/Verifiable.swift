public import PumiceKernels
public import PumiceOperators
public import PumiceReference

/// How an operator would be wrong: the problems and data that show it.
public protocol Verifiable: Operator, Definition, Dispatchable {
  /// The problems: sizes 1, a tile less one, a tile, a tile and one, primes, and what else is awkward here.
  static var problems: [Self] { get }

  /// The kinds of data that each problem is run with.
  static var dataKinds: [DataKind] { get }

  /// The bytes of an argument that random numbers do not make (tokens, positions, tables); nil for the default.
  func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]?

  /// The bytes of the input that the operator must not use, whatever they hold; they become NaN.
  func unused(_ argument: Argument) -> [Range<Int>]
}

extension Verifiable {
  public static var dataKinds: [DataKind] { DataKind.allCases }
  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? { nil }
  public func unused(_ argument: Argument) -> [Range<Int>] { [] }
}

extension OperatorName {
  /// The type behind the name, with all its faces. No `default`: a new operator does not build until it has a definition, a
  /// dispatch, cases and a benchmark.
  public var type: any Benchmarkable.Type {
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
    case .pooling: Pooling.self
    case .gatedDeltaNet: GatedDeltaNet.self
    case .softmax: Softmax.self
    case .argMax: ArgMax.self
    case .packBitPlanes: PackBitPlanes.self
    case .bitPlaneMatMul: BitPlaneMatMul.self
    case .quantizeActivations: QuantizeActivations.self
    case .int8MatMul: Int8MatMul.self
    }
  }
}

/// The bytes of 32-bit integers.
func integers(_ values: [Int32]) -> [UInt8] { values.flatMap { littleEndian($0) } }
