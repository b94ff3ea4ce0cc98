import PumiceTensors

/// Reads the header of one safetensors file, trusting nothing.
///
/// A file is a 64-bit length, a JSON object of so many bytes, and the data. The object gives each tensor's `dtype`,
/// `shape` and `data_offsets` (from the start of the data), and strings under `__metadata__`. The data must be covered by
/// the tensors without gaps or overlaps. Source: the safetensors format's documentation.
struct SafetensorsParser {
  /// As in the reference implementation.
  static let maximumHeaderBytes = 100_000_000
  static let lengthBytes = 8
  static let metadataName = "__metadata__"

  let file: String
  let fileIndex: Int
  private(set) var metadata: [String: String] = [:]
  private(set) var tensors: [SafetensorsTensor] = []

  init(file: String, fileIndex: Int, bytes: UnsafeRawBufferPointer) throws(ModelFileError) {
    self.file = file
    self.fileIndex = fileIndex
    var reader = ByteReader(bytes: bytes)
    let header = try Self.header(of: file, &reader)
    for (name, value) in header.members {
      if name == Self.metadataName {
        try parseMetadata(value)
      } else {
        tensors.append(try tensor(name, value, dataStart: reader.offset))
      }
    }
    try checkPlaces(dataStart: reader.offset, end: bytes.count)
  }

  private static func header(of file: String, _ reader: inout ByteReader) throws(ModelFileError) -> JSONObject {
    func failure(_ code: ModelFileError.Code, _ detail: String) -> ModelFileError {
      ModelFileError(file: file, code: code, detail: detail)
    }
    guard reader.remaining > 0 else { throw failure(.notSafetensors, "the file is empty") }
    guard let length = reader.read(UInt64.self) else {
      throw failure(.truncated, "the file ends inside its first number")
    }
    guard length <= maximumHeaderBytes else {
      throw failure(
        .notSafetensors,
        "not a safetensors file: its header would have \(length) bytes, more than \(maximumHeaderBytes)")
    }
    guard let text = reader.skip(Int(length)) else {
      throw failure(.truncated, "the file ends inside its header of \(length) bytes")
    }
    guard text.first == UInt8(ascii: "{") else {
      throw failure(.notSafetensors, "not a safetensors file: its header does not begin with “{”")
    }
    let value = try JSONParser.parse(text, of: file, as: "its header")
    guard case .object(let object) = value else { throw failure(.invalidMetadata, "its header is not an object") }
    return object
  }

  private mutating func parseMetadata(_ value: JSONValue) throws(ModelFileError) {
    guard case .object(let object) = value else {
      throw failure(.invalidMetadata, "key \(Self.metadataName)", "is \(value.typeName), expected an object")
    }
    for (name, value) in object.members {
      guard case .string(let text) = value else {
        throw failure(.invalidMetadata, "key \(name)", "is \(value.typeName), expected a string")
      }
      metadata[name] = text
    }
  }

  private func failure(_ code: ModelFileError.Code, _ subject: String, _ detail: String) -> ModelFileError {
    ModelFileError(file: file, code: code, subject: subject, detail: detail)
  }

  private func tensor(_ name: String, _ value: JSONValue, dataStart: Int) throws(ModelFileError) -> SafetensorsTensor {
    func invalid(_ detail: String) -> ModelFileError { failure(.invalidTensor, "tensor \(name)", detail) }
    guard !name.isEmpty else { throw invalid("its name is empty") }
    guard case .object(let entry) = value else {
      throw invalid("is described by \(value.typeName), expected an object")
    }
    for member in entry.members where !["dtype", "shape", "data_offsets"].contains(member.name) {
      throw invalid("its “\(member.name)” is unknown")
    }
    guard case .string(let dtype)? = entry["dtype"] else { throw invalid("it has no dtype") }
    guard let type = SafetensorsType(rawValue: dtype) else { throw invalid("its dtype “\(dtype)” is unknown") }
    guard let dimensions = Self.integers(entry["shape"]) else { throw invalid("its shape is no array of sizes") }
    let shape = Shape(dimensions)
    guard let bytes = type.byteCount(shape) else { throw invalid("its size is impossible: \(shape) of \(type)") }
    guard let offsets = Self.integers(entry["data_offsets"]), offsets.count == 2, offsets[0] <= offsets[1] else {
      throw invalid("its data_offsets are not a beginning and an end")
    }
    guard offsets[1] - offsets[0] == bytes else {
      throw invalid("its data_offsets span \(offsets[1] - offsets[0]) bytes, but \(shape) of \(type) takes \(bytes)")
    }
    let (start, overflow) = dataStart.addingReportingOverflow(offsets[0])
    guard !overflow else { throw invalid("its data_offsets are past any file's end") }
    return SafetensorsTensor(
      name: name, shape: shape, type: type, byteCount: bytes, offset: start, fileIndex: fileIndex)
  }

  /// The elements of an array of integers that are not negative; nil for anything else.
  private static func integers(_ value: JSONValue?) -> [Int]? {
    guard case .array(let values)? = value else { return nil }
    var integers: [Int] = []
    for value in values {
      guard case .integer(let integer) = value, integer >= 0 else { return nil }
      integers.append(integer)
    }
    return integers
  }

  /// Checks that the tensors cover the data.
  private func checkPlaces(dataStart: Int, end: Int) throws(ModelFileError) {
    let sorted = tensors.sorted { ($0.offset, $0.byteCount) < ($1.offset, $1.byteCount) }
    var position = dataStart
    var last = "the header"
    for tensor in sorted {
      let subject = "tensor \(tensor.name)"
      guard tensor.offset >= position else {
        throw failure(.invalidTensor, subject, "its data overlaps that of \(last)")
      }
      guard tensor.offset == position else {
        throw failure(.invalidTensor, subject, "\(tensor.offset - position) bytes before its data belong to no tensor")
      }
      guard tensor.byteCount <= end - position else {
        throw failure(
          .truncated, subject,
          "its \(tensor.byteCount) bytes at offset \(tensor.offset - dataStart) of the data reach past the end of the file"
        )
      }
      position += tensor.byteCount
      last = subject
    }
    guard position == end else {
      throw ModelFileError(
        file: file, code: .invalidTensor, detail: "\(end - position) bytes at its end belong to no tensor")
    }
  }
}
