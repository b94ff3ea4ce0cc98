import PumiceOperators
import Testing

/// The numbers are made by the published formulas in another language, in wavelengths where the code has turns.
@Suite struct RoPEScalingTests {
  private func expect(_ scaling: RoPEScaling, _ wanted: [Double]) {
    let found = scaling.frequencies(rotaryDimensions: 16, base: 10_000)
    #expect(found.count == wanted.count)
    for (one, other) in zip(found, wanted) { #expect(abs(one - other) <= 1e-9 * other, "\(scaling)") }
  }

  private let plain = [1, 0.316227766, 0.1, 0.0316227766, 0.01, 0.00316227766, 0.001, 0.000316227766]

  @Test func plainLinearAndByFactors() {
    expect(.none, plain)
    expect(.linear(factor: 4), plain.map { $0 / 4 })
    expect(.factors([1, 1, 2, 2, 4, 4, 8, 8]), zip(plain, [1, 1, 2, 2, 4, 4, 8, 8]).map(/))
  }

  @Test func llama3() {
    expect(
      .llama3(factor: 8, low: 1, high: 4, original: 8192),
      [1, 0.316227766, 0.1, 0.0316227766, 0.01, 0.00316227766, 0.000213607544, 3.952847075e-05])
  }

  @Test func yarn() {
    expect(
      .yarn(.init(factor: 4, original: 4096)),
      [1, 0.316227766, 0.1, 0.02569350599, 0.00625, 0.001383496476, 0.00025, 7.90569415e-05])
    expect(
      .yarn(.init(factor: 32, original: 4096, roundsRange: false)),
      [1, 0.316227766, 0.1, 0.02773593487, 0.005552754881, 0.0007382770555, 3.125e-05, 9.882117688e-06])
    expect(.yarn(.init(factor: 4, original: 4096, share: 0)), plain.map { $0 / 4 })
  }

  @Test func magnitudes() {
    #expect(abs(RoPEScaling.yarn(.init(factor: 40, original: 4096)).magnitude - 1.3688879454) < 1e-9)
    #expect(abs(RoPEScaling.yarnMagnitude(factor: 40, weight: 0.707) - 1.2608037774) < 1e-9)
    #expect(RoPEScaling.yarnMagnitude(factor: 0.5) == 1)
    #expect(abs(RoPEScaling.longMagnitude(context: 131_072, original: 4096) - 1.1902380714) < 1e-9)
    #expect(RoPEScaling.longMagnitude(context: 4096, original: 4096) == 1)
    #expect(RoPEScaling.linear(factor: 4).magnitude == 1)
  }

  @Test func aTableHoldsFractionsOfATurn() {
    let table = RoPEScaling.linear(factor: 2).table(rotaryDimensions: 16, base: 10_000)
    #expect(table == RoPE.frequencies(rotaryDimensions: 16, base: 10_000, scale: 0.5))
  }

  @Test func whatIsRotatedLiesWithinTheHead() {
    func rope(offset: Int, magnitude: Float = 1) -> RoPE {
      RoPE(
        tokens: 1, heads: 1, headSize: 24, rotaryDimensions: 16, pairing: .halves, offset: offset, magnitude: magnitude)
    }
    #expect(throws: Never.self) { try rope(offset: 8).validate() }
    #expect(throws: OperatorError.self) { try rope(offset: 9).validate() }
    #expect(throws: OperatorError.self) { try rope(offset: -1).validate() }
    #expect(throws: OperatorError.self) { try rope(offset: 0, magnitude: .nan).validate() }
  }
}
