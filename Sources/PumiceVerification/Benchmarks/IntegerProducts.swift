public import PumiceOperators

// Products of integers, as the down projection of a model of eight billion weights needs them for one token.

extension PackBitPlanes: Benchmarkable {
  public static var benchmarks: [PackBitPlanes] {
    [1, 512].map { PackBitPlanes(rows: $0, width: 14336, planes: .signed(8)) }
  }
}

extension BitPlaneMatMul: Benchmarkable {
  public static var benchmarks: [BitPlaneMatMul] {
    [(2, 8), (4, 4), (8, 8)].flatMap { weight, x in
      [1, 8].map { BitPlaneMatMul(m: 4096, n: $0, k: 14336, weight: .signed(weight), x: .signed(x)) }
    }
  }
}

extension QuantizeActivations: Benchmarkable {
  public static var benchmarks: [QuantizeActivations] {
    [true, false].flatMap { symmetric in
      [1, 512].map { QuantizeActivations(rows: $0, width: 4096, bits: 8, symmetric: symmetric) }
    }
  }
}

extension Int8MatMul: Benchmarkable {
  public static var benchmarks: [Int8MatMul] {
    [Int8MatMul.Weight.int8, .dualGrained(group: 128)].flatMap { weight in
      [1, 8].map { Int8MatMul(m: 4096, n: $0, k: 14336, weight: weight, scaled: true) }
    }
  }
}
