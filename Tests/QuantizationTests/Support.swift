import PumiceReference
import PumiceTensors

@testable import PumiceQuantization

/// Numbers that look like weights: nearly normal, and every 97th is an outlier. The same on every machine.
func seededWeights(_ count: Int) -> [Float] {
  var state: UInt64 = 1
  return (0..<count).map { index in
    var sum = 0.0
    for _ in 0..<4 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      sum += Double(state >> 40) / 16_777_216
    }
    return Float(sum - 2) * 0.03125 * (index % 97 == 0 ? 6 : 1)
  }
}

/// Weights of errors that differ much between neighbouring columns.
func seededImportance(_ columns: Int) -> [Float] {
  (0..<columns).map { $0 % 5 == 0 ? 0.0625 : 1 + Float($0 * 7919 % 256) / 16 }
}

/// Σ w (x − y)² / n
func meanSquaredError(_ x: [Float], _ y: [Double], importance: [Float]? = nil) -> Double {
  var sum = 0.0
  for i in x.indices {
    let weight = importance.map { Double($0[i % $0.count]) } ?? 1
    sum += weight * (Double(x[i]) - y[i]) * (Double(x[i]) - y[i])
  }
  return sum / Double(x.count)
}

/// The elements as vectors, for the length of `body`.
func withSamples<R>(_ values: [Float], weights: [Float]? = nil, _ body: (Samples) -> R) -> R {
  let x = LaneBuffer(values.count), w = LaneBuffer(values.count)
  for i in values.indices {
    x[i] = values[i]
    w[i] = weights?[i] ?? 1
  }
  return withExtendedLifetime((x, w)) {
    body(Samples(values: x.lanes, weights: w.lanes, count: values.count / 8))
  }
}
