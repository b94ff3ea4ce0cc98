/// Why a text is not JSON.
struct JSONError: Error {
  /// Bytes before the place.
  var offset: Int
  var detail: String
}

/// Reads one JSON value, trusting nothing: strict UTF-8, no name twice in an object, a bound on the depth.
///
/// Besides RFC 8259 it takes `NaN`, `Infinity` and `-Infinity`, which Python writes into configurations.
struct JSONParser {
  static let maximumDepth = 64

  private let bytes: UnsafeRawBufferPointer
  private var offset = 0

  private init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// The value that the bytes are, with nothing but white space around it.
  static func parse(_ bytes: UnsafeRawBufferPointer) throws(JSONError) -> JSONValue {
    var parser = JSONParser(bytes)
    let value = try parser.value(depth: 0)
    parser.skipSpace()
    guard parser.offset == bytes.count else { throw parser.error("there is more after the value") }
    return value
  }

  /// The same for a file or a part of one.
  ///
  /// - Throws: `invalidMetadata`.
  static func parse(
    _ bytes: UnsafeRawBufferPointer, of file: String, as part: String
  ) throws(ModelFileError) -> JSONValue {
    do throws(JSONError) { return try parse(bytes) } catch {
      throw ModelFileError(
        file: file, code: .invalidMetadata, detail: "\(part) is not JSON: \(error.detail), at byte \(error.offset)")
    }
  }

  private func error(_ detail: String) -> JSONError { JSONError(offset: offset, detail: detail) }

  private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private mutating func skipSpace() {
    while let byte = next, [0x20, 0x0A, 0x0D, 0x09].contains(byte) { offset += 1 }
  }

  /// Takes a byte if it comes next after white space.
  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard next == UInt8(ascii: character) else { return false }
    offset += 1
    return true
  }

  private mutating func take(word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard bytes.count - offset >= count, (0..<count).allSatisfy({ bytes[offset + $0] == word.utf8Start[$0] }) else {
      return false
    }
    offset += count
    return true
  }

  private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
    guard depth < Self.maximumDepth else { throw error("it is nested deeper than \(Self.maximumDepth)") }
    skipSpace()
    guard let first = next else { throw error("it ends where a value should be") }
    switch first {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    default: break
    }
    if take(word: "true") { return .bool(true) }
    if take(word: "false") { return .bool(false) }
    if take(word: "null") { return .null }
    if take(word: "NaN") { return .number(.nan) }
    if take(word: "Infinity") { return .number(.infinity) }
    if take(word: "-Infinity") { return .number(-.infinity) }
    return try number()
  }

  private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
    offset += 1
    var object = JSONObject()
    if take("}") { return .object(object) }
    repeat {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw error("a name should be here") }
      let name = try string()
      guard take(":") else { throw error("a colon should be here") }
      let value = try value(depth: depth + 1)
      guard object.insert(name, value) else { throw error("the name “\(name)” occurs twice in an object") }
    } while take(",")
    guard take("}") else { throw error("a comma or the end of an object should be here") }
    return .object(object)
  }

  private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
    offset += 1
    var values: [JSONValue] = []
    if take("]") { return .array(values) }
    repeat { values.append(try value(depth: depth + 1)) } while take(",")
    guard take("]") else { throw error("a comma or the end of an array should be here") }
    return .array(values)
  }

  private mutating func number() throws(JSONError) -> JSONValue {
    let start = offset
    var isInteger = true
    if next == UInt8(ascii: "-") { offset += 1 }
    let whole = offset
    guard skipDigits() else {
      offset = start
      throw error("a value should be here")
    }
    guard offset == whole + 1 || bytes[whole] != UInt8(ascii: "0") else { throw error("a number begins with 0") }
    if next == UInt8(ascii: ".") {
      offset += 1
      isInteger = false
      guard skipDigits() else { throw error("digits should be here") }
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      offset += 1
      isInteger = false
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { offset += 1 }
      guard skipDigits() else { throw error("digits should be here") }
    }
    let text = String(decoding: bytes[start..<offset], as: UTF8.self)
    if isInteger, let integer = Int(text) { return .integer(integer) }
    guard let number = Double(text), number.isFinite else { throw error("a number is too large") }
    return .number(number)
  }

  private mutating func skipDigits() -> Bool {
    let start = offset
    while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { offset += 1 }
    return offset > start
  }

  private mutating func string() throws(JSONError) -> String {
    offset += 1
    var text: [UInt8] = []
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: text, as: UTF8.self) else { throw error("a string is not UTF-8") }
        offset += 1
        return string
      case UInt8(ascii: "\\"): text += Array(String(try escape()).utf8)
      case 0..<0x20: throw error("a string contains a control character")
      default:
        text.append(byte)
        offset += 1
      }
    }
    throw error("it ends inside a string")
  }

  private mutating func escape() throws(JSONError) -> Unicode.Scalar {
    offset += 1
    guard let letter = next else { throw error("it ends inside a string") }
    offset += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): break
    default: throw error("a string contains an unknown escape")
    }
    var code = try hexadecimal()
    if (0xD800..<0xDC00).contains(code), take(word: "\\u") {
      let low = try hexadecimal()
      guard (0xDC00..<0xE000).contains(low) else { throw error("half of a surrogate pair is missing") }
      code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
    }
    guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair is missing") }
    return scalar
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    guard bytes.count - offset >= 4 else { throw error("it ends inside a string") }
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = Character(Unicode.Scalar(bytes[offset])).hexDigitValue else {
        throw error("an escape has no four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
      offset += 1
    }
    return code
  }
}
