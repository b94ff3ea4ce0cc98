/// A small, seeded generator (SplitMix64; Steele, Lea & Flood 2014): the same numbers on every machine.
public struct RandomSource: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  /// A stream of its own for every label, so that a case's data do not depend on what other cases there are.
  public init(seed: UInt64, label: String) {
    state = label.utf8.reduce(0xcbf2_9ce4_8422_2325 ^ seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Uniform in [0, 1).
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A number close to the standard normal distribution, as a sum of twelve uniform ones of 21 bits each: no library
  /// function is involved.
  public mutating func normal() -> Double {
    var sum: UInt64 = 0
    for _ in 0..<4 {
      let bits = next()
      sum += bits & 0x1f_ffff + (bits >> 21) & 0x1f_ffff + (bits >> 42) & 0x1f_ffff
    }
    return Double(sum) * 0x1p-21 - 6
  }

  /// A whole number of 0 ..< `bound`.
  public mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
