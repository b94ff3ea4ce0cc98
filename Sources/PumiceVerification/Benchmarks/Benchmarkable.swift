public import PumiceOperators
import PumiceReference
import PumiceTensors

/// What of an operator is worth measuring, and how a large problem is checked before.
public protocol Benchmarkable: Verifiable {
  /// The problems that `pumice bench` measures.
  static var benchmarks: [Self] { get }

  /// A small problem whose outputs are some of this one's; nil where the reference of the whole is quick enough, which
  /// then computes only a sample of its elements.
  func excerpt(_ random: inout RandomSource) -> Excerpt<Self>?
}

/// A small problem within a large one.
public struct Excerpt<Op: Operator> {
  var op: Op
  /// The decoded inputs of the small problem from the bytes of the large one's, by argument name.
  var inputs: (_ whole: [String: [UInt8]]) -> [String: [Double]]
  /// For each element of the small problem's output, the element of the large one's.
  var elements: [Int]
}

extension Benchmarkable {
  public func excerpt(_ random: inout RandomSource) -> Excerpt<Self>? { nil }
}

// The problems: what a model of eight billion weights does for one token, and for a prompt of 512.

extension MatMul: Benchmarkable {
  public static var benchmarks: [MatMul] {
    [TensorFormat.f16, .q8_0, .q4_0].flatMap { format in
      [1, 512].map { MatMul(m: 4096, n: $0, k: 14336, weight: format) }
    }
  }

  /// Some rows times some columns.
  public func excerpt(_ random: inout RandomSource) -> Excerpt<MatMul>? {
    let rows = Self.some(min(16, m), of: m, &random), columns = Self.some(min(4, n), of: n, &random)
    var small = self
    small.m = rows.count
    small.n = columns.count
    let (weight, shape) = (weight, Shape([m, k]))
    return Excerpt(
      op: small,
      inputs: { whole in
        var inputs = [
          "weight": weight.decode(rows: rows, of: whole["weight"]!, shape),
          "x": TensorFormat.f32.decode(rows: columns, of: whole["x"]!, [columns.last! + 1, shape.rowLength]),
        ]
        if let bias = whole["bias"] {
          let biases = TensorFormat.f32.decode(bias)
          inputs["bias"] = rows.map { biases[$0] }
        }
        return inputs
      },
      elements: columns.flatMap { column in rows.map { column * m + $0 } })
  }

  /// `count` different numbers below `end`, the first and the last among them.
  private static func some(_ count: Int, of end: Int, _ random: inout RandomSource) -> [Int] {
    var chosen: Set<Int> = [0, end - 1]
    while chosen.count < count { chosen.insert(random.below(end)) }
    return chosen.sorted()
  }
}

extension Attention: Benchmarkable {
  public static var benchmarks: [Attention] {
    [
      Attention(tokens: 1, heads: 32, kvHeads: 8, keySize: 128, capacity: 4096, keyFormat: .f16),
      Attention(tokens: 1, heads: 32, kvHeads: 8, keySize: 128, capacity: 4096, keyFormat: .f32),
      Attention(tokens: 512, heads: 32, kvHeads: 8, keySize: 128, capacity: 512, keyFormat: .f16),
    ]
  }
}

extension AttentionTiles: Benchmarkable {
  /// For 512 tokens at the end of 8192.
  public static var benchmarks: [AttentionTiles] {
    [.causal, .causal & (.sinks(64) | .window(1024))].map { mask in
      AttentionTiles(tokens: 512, heads: 32, kvHeads: 8, capacity: 8192, mask: mask)
    }
  }
}

extension EmbeddingGather: Benchmarkable {
  public static var benchmarks: [EmbeddingGather] {
    [EmbeddingGather(tokens: 512, vocabulary: 32000, width: 4096, format: .q8_0)]
  }
}

extension RMSNorm: Benchmarkable {
  public static var benchmarks: [RMSNorm] {
    [1, 512].map { RMSNorm(rows: $0, width: 4096, epsilon: 1e-5, addsResidual: true) }
  }
}

extension RoPE: Benchmarkable {
  public static var benchmarks: [RoPE] {
    [1, 512].map { RoPE(tokens: $0, heads: 32, headSize: 128, rotaryDimensions: 128, pairing: .adjacent) }
  }
}

extension KVAppend: Benchmarkable {
  public static var benchmarks: [KVAppend] {
    [TensorFormat.f16, .q8_0, .q4_0].flatMap { format in
      [1, 512].map { KVAppend(tokens: $0, kvHeads: 8, keySize: 128, capacity: 4096, keyFormat: format) }
    }
  }
}

extension SparseMatMul: Benchmarkable {
  /// Three elements in a hundred, and one row in a hundred.
  public static var benchmarks: [SparseMatMul] {
    [
      SparseMatMul(layout: .csr, m: 4096, n: 1, k: 14336, count: 4096 * 430, values: .f16),
      SparseMatMul(layout: .rows, m: 4096, n: 1, k: 14336, count: 41, values: .f16),
    ]
  }
}

extension LayerNorm: Benchmarkable {
  public static var benchmarks: [LayerNorm] {
    [1, 512].map { LayerNorm(rows: $0, width: 4096, epsilon: 1e-5, addsResidual: true) }
  }
}

extension Activation: Benchmarkable {
  public static var benchmarks: [Activation] {
    [1, 512].map { Activation(.silu, count: $0 * 14336, gated: true) }
      + [Activation(.geluErf, count: 512 * 14336, gated: false)]
  }
}

extension ScaledSum: Benchmarkable {
  public static var benchmarks: [ScaledSum] {
    [
      ScaledSum(rows: 512, width: 4096, scale: 0.5, addend: .tensor),
      ScaledSum(rows: 1, width: 256_000, range: .softCap(30)),
    ]
  }
}

extension HeadCopy: Benchmarkable {
  public static var benchmarks: [HeadCopy] {
    [
      HeadCopy(
        tokens: 512, length: 64, from: Part(heads: 1, headSize: 64), to: Part(heads: 16, headSize: 192, offset: 128))
    ]
  }
}

extension ExpertRouting: Benchmarkable {
  public static var benchmarks: [ExpertRouting] {
    [1, 512].map { ExpertRouting(tokens: $0, experts: 128, chosen: 8, scoring: .softmax, normalizes: true) }
  }
}

extension ExpertMatMul: Benchmarkable {
  /// Few large experts: the reference decodes all of the weights.
  public static var benchmarks: [ExpertMatMul] {
    [1, 512].map {
      ExpertMatMul(experts: 8, m: 768, k: 2048, tokens: $0, slots: 2, weight: .q8_0, inputPerSlot: false)
    }
  }
}

extension ExpertSum: Benchmarkable {
  public static var benchmarks: [ExpertSum] { [ExpertSum(tokens: 512, slots: 8, width: 2048)] }
}

extension CausalConvolution: Benchmarkable {
  public static var benchmarks: [CausalConvolution] {
    [1, 512].map { CausalConvolution(tokens: $0, channels: 5376, taps: 4, bias: true, silu: true) }
  }
}

extension SelectiveScan: Benchmarkable {
  public static var benchmarks: [SelectiveScan] {
    [
      SelectiveScan(tokens: 64, heads: 4096, headSize: 1, groups: 1, stateSize: 16, decayPerState: true),
      SelectiveScan(tokens: 64, heads: 80, headSize: 64, groups: 1, stateSize: 128, decayPerState: false),
    ]
  }
}

extension Pooling: Benchmarkable {
  public static var benchmarks: [Pooling] {
    [Pooling(.mean, sequences: 32, tokens: 256, width: 1024, normalizes: true)]
  }
}

extension GatedDeltaNet: Benchmarkable {
  public static var benchmarks: [GatedDeltaNet] {
    [1, 64].map { GatedDeltaNet(tokens: $0, heads: 32, headSize: 128, keyHeads: 16, keySize: 128) }
  }
}

extension Softmax: Benchmarkable {
  public static var benchmarks: [Softmax] { [Softmax(rows: 1, width: 128_256)] }
}

extension ArgMax: Benchmarkable {
  public static var benchmarks: [ArgMax] { [ArgMax(rows: 1, width: 128_256)] }
}
