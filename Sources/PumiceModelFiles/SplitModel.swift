/// The parts of a model that was split: `NAME-00001-of-00003.gguf` and so on, each with `split.no` (from 0),
/// `split.count` and `split.tensors.count` (of the whole model). The names are how the parts find each other.
struct SplitModel {
  private static let numberDigits = 5

  private let prefix: String
  private let count: Int

  /// The split model that the file at `path` is a part of, or nil when it is whole.
  init?(path: String, metadata: GGUFMetadata) throws(ModelFileError) {
    guard let value = metadata["split.count"] else { return nil }
    guard let count = value.integer, (0...0xffff).contains(count) else {
      throw ModelFileError(
        file: path, code: .splitMismatch, subject: "key split.count", detail: "is not a number of parts")
    }
    guard count > 1 else { return nil }
    guard let index = metadata["split.no"]?.integer, (0..<count).contains(index) else {
      throw ModelFileError(
        file: path, code: .splitMismatch, subject: "key split.no", detail: "does not number one of \(count) parts")
    }
    let tail = Self.tail(part: index + 1, of: count)
    guard path.utf8.suffix(tail.utf8.count).elementsEqual(tail.utf8) else {
      throw ModelFileError(
        file: path, code: .splitMismatch, subject: "key split.no",
        detail: "the file is part \(index + 1) of \(count), so its name must end in \(tail)")
    }
    self.count = count
    prefix = String(decoding: path.utf8.dropLast(tail.utf8.count), as: UTF8.self)
  }

  private static func tail(part: Int, of count: Int) -> String { "-\(padded(part))-of-\(padded(count)).gguf" }

  private static func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, numberDigits - digits.count)) + digits
  }

  /// Opens all parts and checks that they belong together.
  ///
  /// - Throws: `notFound` for a missing part, `splitMismatch` for one that contradicts the others.
  func open() throws(ModelFileError) -> (parsers: [GGUFParser], parts: [FileBytes]) {
    var parsers: [GGUFParser] = []
    var parts: [FileBytes] = []
    for index in 0..<count {
      let path = prefix + Self.tail(part: index + 1, of: count)
      let bytes = try FileBytes(mapping: path)
      let parser = try GGUFParser(file: path, fileIndex: index, bytes: bytes.buffer)
      try check(parser, "split.no", is: index)
      try check(parser, "split.count", is: count)
      parsers.append(parser)
      parts.append(bytes)
    }
    let total = parsers.reduce(0) { $0 + $1.tensors.count }
    if parsers[0].metadata["split.tensors.count"] != nil { try check(parsers[0], "split.tensors.count", is: total) }
    return (parsers, parts)
  }

  private func check(_ parser: GGUFParser, _ key: String, is expected: Int) throws(ModelFileError) {
    let value = parser.metadata[key]?.integer
    guard value == expected else {
      throw ModelFileError(
        file: parser.file, code: .splitMismatch, subject: "key \(key)",
        detail: "is \(value.map(String.init) ?? "absent"), expected \(expected)")
    }
  }
}
