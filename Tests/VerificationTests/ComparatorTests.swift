import PumiceReference
import Testing

@testable import PumiceVerification

@Suite struct ComparatorTests {
  private func compare(_ found: [Double], _ values: [Double], _ bounds: [Double]) -> Comparison {
    var expected = Evaluated(exact: values)
    expected.bounds = bounds
    var comparison = Comparison()
    comparison.compare(found, with: expected, output: "y", elements: .all)
    return comparison
  }

  @Test func withinTheBoundIsAShare() {
    let comparison = compare([1.25, 2], [1, 2], [0.5, 0])
    #expect(comparison.failure == nil)
    #expect(comparison.worstShare == 0.5)
    #expect(comparison.compared == 2)
  }

  @Test func theFirstFailureIsNamed() throws {
    let failure = try #require(compare([1, 3, 9], [1, 2, 3], [0, 0.5, 0.5]).failure)
    #expect(failure.element == 1)
    #expect(failure.description == "y[1] is 3.0, expected 2.0 ± 0.5")
  }

  @Test func aZeroBoundWantsTheExactNumber() {
    #expect(compare([1], [1], [0]).failure == nil)
    #expect(compare([Double(1).nextUp], [1], [0]).failure != nil)
  }

  @Test func notANumberFailsWhateverTheBound() {
    #expect(compare([.nan], [1], [.infinity]).failure != nil)
    #expect(compare([1], [.nan], [1]).failure != nil)
    #expect(compare([1], [1], [.nan]).failure == nil, "an exact result needs no bound")
    #expect(compare([1.5], [1], [.nan]).failure != nil)
  }

  @Test func anInfinityIsMetByTheSameInfinity() {
    #expect(compare([.infinity], [.infinity], [0]).failure == nil)
    #expect(compare([-.infinity], [.infinity], [1e300]).failure != nil)
    #expect(compare([1e300], [.infinity], [1e300]).failure != nil)
    #expect(compare([.infinity], [1], [1e300]).failure != nil)
  }

  @Test func elementsThatNobodyAskedForAreNotCompared() {
    var comparison = Comparison()
    comparison.compare(
      [9, 2], with: Evaluated(exact: [1, 2]), output: "y", elements: .only([1]))
    #expect(comparison.failure == nil)
    #expect(comparison.compared == 1)
  }
}
