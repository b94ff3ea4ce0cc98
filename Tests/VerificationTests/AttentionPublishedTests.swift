import PumiceOperators
import PumiceTensors
import Testing

@testable import PumiceVerification

/// llama.cpp's attention cases are all covered by ours, or listed with the reason why not.
@Suite struct AttentionPublishedTests {
  private typealias Parameters = AttentionPublished.Parameters

  /// Parameters whose values meet in pairs, as texts.
  private static let axes: [(name: String, values: [String], value: @Sendable (Parameters) -> String)] = [
    ("kv", AttentionPublished.Values.keys.map(String.init), { "\($0.keys)" }),
    ("nb", AttentionPublished.Values.tokens.map(String.init), { "\($0.tokens)" }),
    ("nr3", AttentionPublished.Values.sequences.map(String.init), { "\($0.sequences)" }),
    ("mask", ["none", "mask", "bias"], { $0.hasBias ? "bias" : $0.hasMask ? "mask" : "none" }),
    ("sinks", ["true", "false"], { "\($0.hasSinks)" }), ("logit_softcap", ["true", "false"], { "\($0.hasSoftCap)" }),
  ]

  @Test func everyPairOfValuesMeets() {
    for (index, a) in Self.axes.enumerated() {
      for b in Self.axes[..<index] {
        for x in a.values {
          for y in b.values {
            #expect(
              AttentionPublished.cases.contains { a.value($0) == x && b.value($0) == y },
              "\(a.name) = \(x) with \(b.name) = \(y)")
          }
        }
      }
    }
  }

  @Test func everySizeFormatAndGroupOccurs() {
    let cases = AttentionPublished.cases
    for size in AttentionPublished.Values.sizes {
      #expect(cases.contains { ($0.keySize, $0.valueSize) == size }, "\(size)")
    }
    for format in AttentionPublished.Values.formats {
      #expect(
        cases.contains { $0.keyFormat == format } && cases.contains { $0.valueFormat == format }, "\(format.name)")
    }
    for group in AttentionPublished.Values.groups { #expect(cases.contains { $0.group == group }, "\(group)") }
    #expect(Set(cases).count == cases.count)
  }

  /// A bias needs a mask in theirs, and values of ours are values of theirs.
  @Test func casesAreOfThePublishedKind() {
    for one in AttentionPublished.cases {
      #expect(one.hasMask || !one.hasBias)
      #expect(AttentionPublished.Values.sizes.contains { $0 == (one.keySize, one.valueSize) })
      for axis in Self.axes { #expect(axis.values.contains(axis.value(one)), "\(axis.name)") }
      #expect(throws: Never.self) { try one.problem.validate() }
    }
  }

  @Test func whatIsNotSupportedSaysWhy() {
    for (problem, reason) in AttentionPublished.unsupported {
      let error = #expect(throws: OperatorError.self) { try problem.validate() }
      #expect(error?.description.hasSuffix(reason) == true, "\(String(describing: error))")
    }
    #expect(AttentionPublished.unsupported.count >= 2)
  }
}
