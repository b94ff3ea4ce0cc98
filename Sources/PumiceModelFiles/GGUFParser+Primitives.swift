/// The pieces that everything in a file is made of.
extension GGUFParser {
  func error(_ code: ModelFileError.Code, _ detail: String) -> ModelFileError {
    ModelFileError(file: file, code: code, subject: subject, detail: detail)
  }

  private var endsInside: ModelFileError { error(.truncated, "the file ends inside it") }

  mutating func number<T: FixedWidthInteger & BitwiseCopyable>(
    _ type: T.Type = T.self
  ) throws(ModelFileError) -> T {
    guard let value = input.read(type) else { throw endsInside }
    return value
  }

  mutating func numbers<T: FixedWidthInteger & BitwiseCopyable>(
    _ count: Int
  ) throws(ModelFileError) -> [T] {
    guard let values = input.read(T.self, count: count) else { throw endsInside }
    return values
  }

  /// A count of things of which each takes at least `size` bytes of the rest of the file.
  mutating func count(_ what: String, eachAtLeast size: Int) throws(ModelFileError) -> Int {
    let announced = try number(UInt64.self)
    guard let count = Int(exactly: announced), count <= input.remaining / size else {
      throw error(.truncated, "\(announced) \(what) are announced, but only \(input.remaining) bytes follow")
    }
    return count
  }

  mutating func string(maximumBytes: Int = .max) throws(ModelFileError) -> String {
    let length = try count("bytes of text", eachAtLeast: 1)
    guard length <= maximumBytes else {
      throw error(.invalidMetadata, "a name of \(length) bytes; at most \(maximumBytes) are legal")
    }
    guard let bytes = input.skip(length) else { throw endsInside }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw error(.invalidMetadata, "its text is not valid UTF-8")
    }
    return text
  }
}
