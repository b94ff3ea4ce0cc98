import Foundation
import PumiceReference
import PumiceTensors
import Testing

@testable import PumiceVerification

/// The reference's decoding against what llama.cpp decodes; see `Tests/Fixtures/Formats/README.md`.
@Suite struct FormatTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/Formats")

  @Test(arguments: BlockFormat.allCases) func goldenBlocksDecodeBitForBit(_ format: BlockFormat) throws {
    let file = [UInt8](try Data(contentsOf: Self.folder.appendingPathComponent("\(format.rawValue).bin")))
    let count = file.count / (format.byteCount + 4 * format.length)
    #expect(count >= 3 && file.count == count * (format.byteCount + 4 * format.length))
    let blocks = Array(file[..<(count * format.byteCount)])
    let expected = TensorFormat.f32.decode(Array(file[blocks.count...])).map { Float($0).bitPattern }
    #expect(TensorFormat.block(format).decode(blocks).map { Float($0).bitPattern } == expected)
    #expect(Self.blocks(of: format, count: count) == blocks)
  }

  @Test(arguments: BlockFormat.allCases) func everyCodeDecodesBitForBit(_ format: BlockFormat) throws {
    let lines = try String(contentsOf: Self.folder.appendingPathComponent("checksums.txt"), encoding: .utf8)
    let line = try #require(lines.split(separator: "\n").first { $0.hasPrefix("\(format.rawValue) ") })
    let expected = try #require(UInt64(line.drop { $0 != " " }.dropFirst(), radix: 16))
    let values = TensorFormat.block(format).decode(Self.blocks(of: format, count: 2048))
    #expect(values.allSatisfy { Double(Float($0)) == $0 }, "every value is a binary32 number")
    #expect(values.reduce(0) { 31 &* $0 &+ UInt64(Float($1).bitPattern) } == expected)
  }

  @Test(arguments: BlockFormat.allCases) func generatedScalesAreFinite(_ format: BlockFormat) {
    for kind in DataKind.allCases {
      var random = RandomSource(seed: 4)
      let values = TensorFormat.block(format).decode(
        kind.bytes([5, 2 * format.length], .block(format), &random))
      #expect(values.allSatisfy { $0.isFinite })
      if kind == .normal { #expect(values.contains { abs($0) > 0.01 } && values.allSatisfy { abs($0) < 1e5 }) }
    }
  }

  private static func blocks(of format: BlockFormat, count: Int) -> [UInt8] {
    var random = RandomSource(seed: 0)
    var bytes = (0..<count * format.byteCount).map { _ in UInt8(random.next() >> 56) }
    for start in stride(from: 0, to: bytes.count, by: format.byteCount) {
      for high in highBytes(of: format) { bytes[start + high] &= 0xbf }
    }
    return bytes
  }

  /// Where the upper bytes of a block's f16 numbers are.
  private static func highBytes(of format: BlockFormat) -> [Int] {
    switch format {
    case .q1_0, .q2_0, .q4_0, .q5_0, .q8_0, .iq4_nl, .iq4_xs, .iq2_xxs, .iq2_xs, .iq2_s, .iq3_xxs, .iq3_s, .iq1_s: [1]
    case .q4_1, .q5_1, .q4_K, .q5_K: [1, 3]
    case .q2_K: [81, 83]
    case .q3_K: [109]
    case .q6_K: [209]
    case .tq1_0: [53]
    case .tq2_0: [65]
    case .iq1_m: [55]
    case .mxfp4, .nvfp4: []
    }
  }
}
