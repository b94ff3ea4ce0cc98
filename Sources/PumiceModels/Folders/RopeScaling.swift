import Foundation

/// How a folder's configuration says that rotary frequencies are scaled.
enum RopeScaling: Hashable {
  case none
  /// Positions are divided by a factor.
  case linear(factor: Double)
  /// Llama 3.1's: long waves are stretched by a factor, short ones are not, those between by degrees.
  case llama3(factor: Double, low: Double, high: Double, original: Double)

  /// Whether it is a table of factors.
  var isTable: Bool {
    if case .llama3 = self { return true }
    return false
  }

  /// What the rotary frequencies are divided by, as `rope_freqs.weight` holds it; nil where it is the same for all.
  ///
  /// Source: transformers' `_compute_llama3_parameters`.
  func factors(rotaryDimensions: Int, base: Double) -> [Float]? {
    guard case .llama3(let factor, let low, let high, let original) = self else { return nil }
    return (0..<rotaryDimensions / 2).map { index in
      let wave = 2 * Double.pi * pow(base, Double(2 * index) / Double(rotaryDimensions))
      if wave < original / high { return 1 }
      // Without a space between the two (Llama 4) there are no degrees.
      if wave > original / low || low == high { return Float(factor) }
      let smooth = (original / wave - low) / (high - low)
      return Float(1 / ((1 - smooth) / factor + smooth))
    }
  }

  /// What a table of factors was made with, if it was made as for the Llama 3 models.
  init?(factors: [Float], base: Double) {
    guard let largest = factors.max(), largest > 1 else {
      guard factors.allSatisfy({ $0 == 1 }) else { return nil }
      self = .none
      return
    }
    let known = RopeScaling.llama3(factor: Double(largest), low: 1, high: 4, original: 8192)
    let table = known.factors(rotaryDimensions: 2 * factors.count, base: base)!
    guard zip(factors, table).allSatisfy({ abs($0 - $1) <= 1e-5 * $1 }) else { return nil }
    self = known
  }

  /// The member `rope_scaling` of `config.json`.
  var configuration: String {
    switch self {
    case .none: "null"
    case .linear(let factor): "{\"type\": \"linear\", \"rope_type\": \"linear\", \"factor\": \(factor)}"
    case .llama3(let factor, let low, let high, let original):
      "{\"rope_type\": \"llama3\", \"factor\": \(factor), \"low_freq_factor\": \(low), \"high_freq_factor\": \(high), "
        + "\"original_max_position_embeddings\": \(Int(original))}"
    }
  }
}
