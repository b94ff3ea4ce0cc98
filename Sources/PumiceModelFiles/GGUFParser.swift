/// Reads the header, metadata and tensor list of one file, trusting nothing.
///
/// Every count is compared with the bytes that are left before anything is allocated for it, and every sum and product
/// is checked for overflow. Source: the GGUF specification, versions 2 and 3.
struct GGUFParser {
  static let magic: [UInt8] = Array("GGUF".utf8)
  static let maximumDepth = 8
  static let maximumRank = 4
  static let maximumKeyBytes = 65535
  static let defaultAlignment = 32

  let file: String
  let fileIndex: Int
  var input: ByteReader
  /// What is being read, for messages.
  var subject: String?

  private(set) var version = 0
  private(set) var metadata = GGUFMetadata()
  var tensors: [GGUFTensor] = []

  init(file: String, fileIndex: Int, bytes: UnsafeRawBufferPointer) throws(ModelFileError) {
    self.file = file
    self.fileIndex = fileIndex
    input = ByteReader(bytes: bytes)
    try parse()
  }

  private mutating func parse() throws(ModelFileError) {
    let (tensorCount, keyCount) = try parseHeader()
    for _ in 0..<keyCount { try parsePair() }
    try parseTensors(count: tensorCount, alignment: try alignment())
  }

  // MARK: Header

  private mutating func parseHeader() throws(ModelFileError) -> (tensors: Int, keys: Int) {
    try checkMagic()
    version = Int(try number(UInt32.self))
    switch version {
    case 2, 3: break
    case 1: throw error(.unsupportedVersion, "GGUF version 1 is not read, only 2 and 3; convert the model again")
    case _ where UInt32(version).byteSwapped <= 3:
      throw error(.unsupportedVersion, "a big-endian GGUF file; only little-endian files are read")
    default: throw error(.unsupportedVersion, "GGUF version \(version) is unknown; versions 2 and 3 are read")
    }
    subject = "header"
    // A tensor takes at least its name's length, rank, type and offset; a pair at least its key's length, type and value.
    let tensorCount = try count("tensors", eachAtLeast: 24)
    let keyCount = try count("metadata keys", eachAtLeast: 13)
    return (tensorCount, keyCount)
  }

  private mutating func checkMagic() throws(ModelFileError) {
    let start = Array(input.bytes.prefix(4))
    guard !start.isEmpty else { throw error(.notGGUF, "the file is empty") }
    guard start == Array(Self.magic.prefix(start.count)) else {
      let isText = start.allSatisfy { (32..<127).contains($0) || (9...13).contains($0) }
      let shown = isText ? "“\(String(decoding: start, as: UTF8.self))”" : "\(start)"
      throw error(.notGGUF, "not a GGUF file: it begins with \(shown) instead of “GGUF”")
    }
    guard input.bytes.count >= 24 else { throw error(.truncated, "the file ends inside its header") }
    _ = input.skip(4)
  }

  // MARK: Metadata

  private mutating func parsePair() throws(ModelFileError) {
    subject = "key number \(metadata.count)"
    let key = try string(maximumBytes: Self.maximumKeyBytes)
    guard !key.isEmpty else { throw error(.invalidMetadata, "the key is empty") }
    subject = "key \(key)"
    guard metadata[key] == nil else { throw error(.duplicate, "occurs twice") }
    metadata[key] = try value(of: try valueType())
  }

  private mutating func valueType() throws(ModelFileError) -> GGUFValueType {
    let id = try number(UInt32.self)
    guard let type = GGUFValueType(rawValue: id) else {
      throw error(.invalidMetadata, "its value type \(id) is unknown")
    }
    return type
  }

  private mutating func value(of type: GGUFValueType) throws(ModelFileError) -> GGUFValue {
    switch type {
    case .uint8: .uint8(try number())
    case .int8: .int8(try number())
    case .uint16: .uint16(try number())
    case .int16: .int16(try number())
    case .uint32: .uint32(try number())
    case .int32: .int32(try number())
    case .float32: .float32(Float(bitPattern: try number()))
    case .bool: .bool(try boolean(try number()))
    case .string: .string(try string())
    case .array: .array(try array(depth: 1))
    case .uint64: .uint64(try number())
    case .int64: .int64(try number())
    case .float64: .float64(Double(bitPattern: try number()))
    }
  }

  private mutating func array(depth: Int) throws(ModelFileError) -> GGUFArray {
    guard depth <= Self.maximumDepth else {
      throw error(.invalidMetadata, "arrays are nested more than \(Self.maximumDepth) deep")
    }
    let type = try valueType()
    let count = try count("array elements", eachAtLeast: type.minimumBytes)
    return switch type {
    case .uint8: .uint8(try numbers(count))
    case .int8: .int8(try numbers(count))
    case .uint16: .uint16(try numbers(count))
    case .int16: .int16(try numbers(count))
    case .uint32: .uint32(try numbers(count))
    case .int32: .int32(try numbers(count))
    case .float32: .float32(try numbers(count).map(Float.init(bitPattern:)))
    case .bool: .bool(try booleans(count))
    case .string: .string(try strings(count))
    case .array: .array(try arrays(count, depth: depth))
    case .uint64: .uint64(try numbers(count))
    case .int64: .int64(try numbers(count))
    case .float64: .float64(try numbers(count).map(Double.init(bitPattern:)))
    }
  }

  private mutating func strings(_ count: Int) throws(ModelFileError) -> [String] {
    var values: [String] = []
    values.reserveCapacity(count)
    for _ in 0..<count { values.append(try string()) }
    return values
  }

  private mutating func arrays(_ count: Int, depth: Int) throws(ModelFileError) -> [GGUFArray] {
    var values: [GGUFArray] = []
    for _ in 0..<count { values.append(try array(depth: depth + 1)) }
    return values
  }

  private mutating func booleans(_ count: Int) throws(ModelFileError) -> [Bool] {
    var values: [Bool] = []
    for byte in try numbers(count) as [UInt8] { values.append(try boolean(byte)) }
    return values
  }

  private func boolean(_ byte: UInt8) throws(ModelFileError) -> Bool {
    guard byte <= 1 else { throw error(.invalidMetadata, "\(byte) is not a boolean (0 or 1)") }
    return byte == 1
  }

  /// `general.alignment`, which every tensor's place is a multiple of.
  private func alignment() throws(ModelFileError) -> Int {
    let key = "general.alignment"
    guard let value = metadata[key] else { return Self.defaultAlignment }
    let subject = "key \(key)"
    guard case .uint32(let alignment) = value else {
      throw ModelFileError(
        file: file, code: .wrongKeyType, subject: subject, detail: "is \(value.typeName), expected uint32")
    }
    guard alignment.nonzeroBitCount == 1 else {
      throw ModelFileError(
        file: file, code: .invalidMetadata, subject: subject, detail: "\(alignment) is not a power of two")
    }
    return Int(alignment)
  }
}
