import PumiceTensors

extension GGUFParser {
  /// Reads the list of tensors and checks each one's place against the rest of the file and against the others.
  mutating func parseTensors(count: Int, alignment: Int) throws(ModelFileError) {
    var names: Set<String> = []
    var found: [GGUFTensor] = []
    for index in 0..<count {
      let tensor = try parseTensor(index, alignment: alignment)
      guard names.insert(tensor.name).inserted else { throw error(.duplicate, "occurs twice") }
      found.append(tensor)
    }
    guard let dataStart = roundUp(input.offset, to: alignment) else {
      throw error(.invalidTensor, "the alignment \(alignment) puts the data past any file's end")
    }
    for tensor in found {
      subject = "tensor \(tensor.name)"
      let (start, overflow) = dataStart.addingReportingOverflow(tensor.offset)
      guard !overflow, start <= input.bytes.count, tensor.byteCount <= input.bytes.count - start else {
        throw error(
          .truncated,
          "its \(tensor.byteCount) bytes at offset \(tensor.offset) of the data reach past the end of the file")
      }
      tensors.append(
        GGUFTensor(
          name: tensor.name, shape: tensor.shape, type: tensor.type, byteCount: tensor.byteCount, offset: start,
          fileIndex: fileIndex))
    }
    try checkOverlaps()
  }

  /// One entry of the list; `offset` still counts from the start of the data.
  private mutating func parseTensor(_ index: Int, alignment: Int) throws(ModelFileError) -> GGUFTensor {
    subject = "tensor number \(index)"
    let name = try string(maximumBytes: Self.maximumKeyBytes)
    guard !name.isEmpty else { throw error(.invalidTensor, "its name is empty") }
    subject = "tensor \(name)"
    let shape = try parseShape()
    let id = try number(UInt32.self)
    guard let type = GGMLType(rawValue: id) else { throw error(.invalidTensor, "its type \(id) is unknown") }
    guard shape.rowLength % type.blockLength == 0 else {
      throw error(
        .invalidTensor, "its rows of \(shape.rowLength) are no whole number of \(type) blocks of \(type.blockLength)")
    }
    guard let bytes = type.byteCount(shape) else {
      throw error(.invalidTensor, "its size overflows: \(shape) of \(type)")
    }
    let offset = try number(UInt64.self)
    guard let offset = Int(exactly: offset), offset % alignment == 0 else {
      throw error(.invalidTensor, "its offset \(offset) is not a multiple of the alignment \(alignment)")
    }
    return GGUFTensor(name: name, shape: shape, type: type, byteCount: bytes, offset: offset, fileIndex: fileIndex)
  }

  private mutating func parseShape() throws(ModelFileError) -> Shape {
    let rank = try number(UInt32.self)
    guard rank <= Self.maximumRank else {
      throw error(.invalidTensor, "it has \(rank) dimensions, more than \(Self.maximumRank)")
    }
    var dimensions: [Int] = []
    var elements = 1
    for _ in 0..<rank {
      let extent = try number(UInt64.self)
      guard let extent = Int(exactly: extent), extent > 0 else {
        throw error(.invalidTensor, "its dimension \(dimensions.count) is \(extent)")
      }
      let (product, overflow) = elements.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw error(.invalidTensor, "the product of its dimensions overflows") }
      elements = product
      dimensions.append(extent)
    }
    return Shape(dimensions.reversed())
  }

  private func checkOverlaps() throws(ModelFileError) {
    let sorted = tensors.sorted { $0.offset < $1.offset }
    for (tensor, next) in zip(sorted, sorted.dropFirst()) where tensor.offset + tensor.byteCount > next.offset {
      throw ModelFileError(
        file: file, code: .invalidTensor, subject: "tensor \(next.name)",
        detail: "its data overlaps that of tensor \(tensor.name)")
    }
  }
}
