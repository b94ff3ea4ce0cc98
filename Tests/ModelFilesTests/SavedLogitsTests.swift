import Foundation
import PumiceModelFiles
import Testing

@Suite struct SavedLogitsTests {
  private static let tokens: [Int32] = [0, 1, 2, 3, 4, 4, 3, 2, 1, 0, 1, 2, 3, 4, 0, 1]
  private static let logits: [Float] = [2, -1, 0.5, 1.25, -30]

  /// Two chunks of 8 tokens of a vocabulary of 5.
  private func file() throws -> [UInt8] {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("pumice-\(UUID().uuidString)").path
    let writer = try SavedLogitsWriter(path: path, chunkLength: 8, vocabularySize: 5, tokens: Self.tokens)
    #expect(!FileManager.default.fileExists(atPath: path))
    for row in 0..<6 {
      let logits = Self.logits.map { $0 + Float(row) }
      try writer.append(logits: logits, logSum: log(logits.reduce(0) { $0 + exp(Double($1)) }))
    }
    try writer.finish()
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try Array(Data(contentsOf: URL(fileURLWithPath: path)))
  }

  private func failure(_ bytes: [UInt8]) -> ModelFileError? {
    do throws(ModelFileError) {
      _ = try SavedLogits(bytes: bytes, name: "base.logits")
      return nil
    } catch { return error }
  }

  @Test func predictionsSurviveWritingAndReading() throws {
    let bytes = try file()
    // 20 of header, 16 tokens, 6 predictions of two floats, five codes and one of padding.
    #expect(bytes.count == 20 + 64 + 6 * 20)
    let saved = try SavedLogits(bytes: bytes)
    #expect(saved.chunkCount == 2 && saved.chunkLength == 8 && saved.vocabularySize == 5 && saved.firstScored == 4)
    #expect(saved.tokens == Self.tokens)
    let sum = log(Self.logits.reduce(0) { $0 + exp(Double($1)) })
    for chunk in 0..<2 {
      for row in 0..<3 {
        let prediction = try saved.prediction(chunk: chunk, row: row)
        for (token, logit) in Self.logits.enumerated() {
          // The last is too unlikely to be told from e⁻¹⁶ times the likeliest.
          let expected = Double(max(logit, 2 - 16)) - sum
          #expect(abs(prediction.logProbability(of: token) - expected) < 16 / 65535.0, "token \(token)")
        }
      }
    }
  }

  @Test func equalLogitsHaveNoScale() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("pumice-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let writer = try SavedLogitsWriter(path: path, chunkLength: 4, vocabularySize: 2, tokens: [0, 1, 0, 1])
    try writer.append(logits: [9, 9], logSum: 9 + log(2))
    try writer.finish()
    let prediction = try SavedLogits(path: path).prediction(chunk: 0, row: 0)
    #expect(prediction.scale == 0)
    #expect((0..<2).allSatisfy { abs(prediction.logProbability(of: $0) + log(2)) < 1e-6 })
  }

  @Test func everyTruncationIsAnError() throws {
    let whole = try file()
    for length in 0..<whole.count {
      let error = failure(Array(whole.prefix(length)))
      #expect(
        error?.code == (length < 8 ? .notSavedLogits : .truncated), "\(length): \(error?.description ?? "opened")")
    }
    #expect(failure(whole) == nil)
    #expect(failure(whole + [0])?.description == "base.logits: 1 bytes come after the last prediction")
  }

  @Test func impossibleNumbersAreErrors() throws {
    let whole = try file()
    func changed(_ offset: Int, _ value: UInt32) -> [UInt8] {
      var bytes = whole
      bytes.replaceSubrange(offset..<offset + 4, with: raw(value))
      return bytes
    }
    for offset in [8, 12, 16] {
      for value in [0, 1, 2, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF] as [UInt32] where !(offset == 16 && value == 2) {
        #expect(failure(changed(offset, value)) != nil, "\(value) at \(offset)")
      }
    }
    #expect(failure(changed(24, 5))?.description.contains("token 5 is outside its vocabulary of 5") == true)
    #expect(failure(changed(24, .max))?.code == .invalidMetadata)
    for value in [Float.nan, .infinity, -1] {
      let saved = try SavedLogits(bytes: changed(84 + 20, value.bitPattern), name: "base.logits")
      #expect(try saved.prediction(chunk: 0, row: 0).scale > 0)
      let error = #expect(throws: ModelFileError.self) { _ = try saved.prediction(chunk: 0, row: 1) }
      #expect(error?.subject == "chunk 1, position 5")
    }
  }

  @Test func writersRefuseWhatTheFormatCannotHold() {
    for (length, vocabulary, count) in [(0, 5, 8), (2, 5, 8), (8, 0, 8), (8, 5, 0), (8, 5, 9), (8, 1 << 40, 8)] {
      #expect(throws: ModelFileError.self) {
        _ = try SavedLogitsWriter(
          path: "/nonexistent/base", chunkLength: length, vocabularySize: vocabulary,
          tokens: [Int32](repeating: 0, count: count))
      }
    }
    let error = #expect(throws: ModelFileError.self) {
      _ = try SavedLogitsWriter(path: "/nonexistent/base", chunkLength: 4, vocabularySize: 5, tokens: [0, 0, 0, 0])
    }
    #expect(error?.code == .inputOutput)
  }
}
