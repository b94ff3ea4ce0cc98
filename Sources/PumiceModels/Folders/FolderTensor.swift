import Foundation
import PumiceModelFiles
import PumiceReference
import PumiceTensors

/// Where the numbers of a tensor that a folder is shown with come from.
struct FolderTensor: Sendable {
  enum Storage: Sendable {
    case plain(SafetensorsTensor)
    case layer(LinearTensors, TensorFormat)
    case values([Float])
    /// One after the other.
    case stack([FolderTensor])
    /// Codes of MXFP4, two neighbours a byte, and the exponents of their blocks.
    case mxfp4(codes: SafetensorsTensor, exponents: SafetensorsTensor)
  }

  /// What is done to numbers.
  enum Change: Sendable {
    case none
    case addsOne
    /// −eˣ
    case decay

    fileprivate func callAsFunction(_ value: Double) -> Double {
      switch self {
      case .none: value
      case .addsOne: value + 1
      case .decay: -Foundation.exp(value)
      }
    }
  }

  var storage: Storage
  var shape: Shape
  /// The format in which it is shown.
  var format: TensorFormat
  /// How many matrices of what is stored, one after the other, are transposed each; 0 for none.
  var transposed = 0
  /// How many matrices of the rows are transposed each, after these were taken; 0 for none.
  var transposedRows = 0
  /// Rows of what is stored, after it was transposed; nil for all.
  var rows: FolderRows?
  var change = Change.none
  /// Whether each row is made as long as 1; only in F32.
  var hasUnitRows = false

  /// Elements of each of its rows; of a vector, and of vectors of which elements are taken, 1.
  fileprivate var rowLength: Int { rows.map { shape.count / max(1, $0.count) } ?? shape.rowLength }

  /// The type that GGUF's metadata says; F32 also for formats that GGUF does not have.
  var type: GGMLType { GGMLType(format) ?? .f32 }
}

extension FolderTensor {
  /// Whether the bytes lie in a file as they are shown.
  var isMapped: Bool {
    guard case .plain(let source) = storage, change == .none, transposed == 0, transposedRows == 0,
      !hasUnitRows, source.format == format
    else { return false }
    return rows == nil || rows?.range != nil
  }
}

extension SafetensorsFile {
  /// Runs `body` on the bytes of a tensor in its format.
  func withBytes<R>(of tensor: FolderTensor, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    if tensor.isMapped, case .plain(let source) = tensor.storage {
      guard let range = tensor.rows?.range else { return try withBytes(of: source, body) }
      let size = source.byteCount / max(1, source.shape.count) * tensor.rowLength
      return try withBytes(of: source) {
        try body(UnsafeRawBufferPointer(rebasing: $0[range.lowerBound * size..<range.upperBound * size]))
      }
    }
    return try bytes(of: tensor).withUnsafeBytes(body)
  }

  /// Runs `body` on bytes at the beginning and at the end of what a tensor is stored in.
  func withEnds(of tensor: FolderTensor, atMost count: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
    var (first, last) = (tensor, tensor)
    while case .stack(let parts) = first.storage, let part = parts.first { first = part }
    while case .stack(let parts) = last.storage, let part = parts.last { last = part }
    func withStored(_ tensor: FolderTensor, isLast: Bool) {
      func end(_ bytes: UnsafeRawBufferPointer) {
        body(UnsafeRawBufferPointer(rebasing: isLast ? bytes.suffix(count) : bytes.prefix(count)))
      }
      switch tensor.storage {
      case .plain(let source): withBytes(of: source, end)
      case .mxfp4(let codes, let exponents): withBytes(of: isLast ? exponents : codes, end)
      case .layer, .values, .stack: withBytes(of: tensor, end)
      }
    }
    withStored(first, isLast: false)
    withStored(last, isLast: true)
  }

  private func bytes(of tensor: FolderTensor) -> [UInt8] {
    var bytes = taken(of: tensor)
    if tensor.hasUnitRows { Self.makeUnitRows(&bytes, width: tensor.shape.rowLength) }
    let matrices = tensor.transposedRows
    guard matrices > 0, !bytes.isEmpty else { return bytes }
    let columns = tensor.rowLength
    return bytes.withUnsafeBytes {
      Self.transposed($0, matrices: matrices, rows: tensor.shape.count / matrices / columns, columns)
    }
  }

  /// The rows that a tensor has.
  private func taken(of tensor: FolderTensor) -> [UInt8] {
    switch tensor.storage {
    case .values(let values): return floatBytes(values.map(Double.init))
    case .stack(let parts): return stacked(parts, tensor.format)
    case .layer(let layer, let format):
      guard format == tensor.format else {
        var all = floatBytes(values(of: layer, format))
        if tensor.transposed > 0 {
          all = all.withUnsafeBytes {
            Self.transposed(
              $0, matrices: tensor.transposed, rows: layer.outputs / tensor.transposed, layer.inputs)
          }
        }
        guard let rows = tensor.rows else { return all }
        return all.withUnsafeBytes { rows.bytes(of: $0, size: 4 * tensor.rowLength) }
      }
      return sections(of: layer, format, tensor.rows)
    case .mxfp4(let codes, let exponents): return blocks(codes, exponents, tensor)
    case .plain(let source):
      return withBytes(of: source) { bytes in
        let width = bytes.count / max(1, source.shape.count) * tensor.rowLength
        if tensor.transposed == 0, tensor.change == .none, source.format == tensor.format {
          return tensor.rows?.bytes(of: bytes, size: width) ?? [UInt8](bytes)
        }
        var result =
          tensor.transposed > 0
          ? Self.transposed(
            bytes, matrices: tensor.transposed, rows: source.shape.rows / tensor.transposed, source.shape.rowLength)
          : [UInt8](bytes)
        if tensor.change != .none || source.format != tensor.format {
          result = floatBytes(source.format!.decode(result).map { tensor.change($0) })
        }
        guard let rows = tensor.rows else { return result }
        return result.withUnsafeBytes {
          rows.bytes(of: $0, size: $0.count / max(1, source.shape.count) * tensor.rowLength)
        }
      }
    }
  }

  /// Divides rows of F32 by their length.
  private static func makeUnitRows(_ bytes: inout [UInt8], width: Int) {
    bytes.withUnsafeMutableBytes { bytes in
      let values = bytes.bindMemory(to: Float.self)
      for first in stride(from: 0, to: values.count, by: max(1, width)) {
        let square = (first..<first + width).reduce(0.0) { $0 + Double(values[$1]) * Double(values[$1]) }
        let length = max(square.squareRoot(), 1e-12)
        for index in first..<first + width { values[index] = Float(Double(values[index]) / length) }
      }
    }
  }

  /// The columns of each matrix as rows.
  private static func transposed(
    _ bytes: UnsafeRawBufferPointer, matrices: Int, rows: Int, _ columns: Int
  ) -> [UInt8] {
    guard !bytes.isEmpty else { return [] }
    func moved<Element: FixedWidthInteger>(_: Element.Type) -> [UInt8] {
      [UInt8](unsafeUninitializedCapacity: bytes.count) { result, count in
        let size = MemoryLayout<Element>.size, target = UnsafeMutableRawBufferPointer(result)
        for first in stride(from: 0, to: matrices * rows * columns, by: rows * columns) {
          for row in 0..<rows {
            for column in 0..<columns {
              let element = bytes.loadUnaligned(
                fromByteOffset: (first + row * columns + column) * size, as: Element.self)
              target.storeBytes(of: element, toByteOffset: (first + column * rows + row) * size, as: Element.self)
            }
          }
        }
        count = bytes.count
      }
    }
    return bytes.count / (matrices * rows * columns) == 2 ? moved(UInt16.self) : moved(UInt32.self)
  }

  /// Blocks of MXFP4 in GGUF's layout: an exponent, then the codes, of which one half of a block lies in the low bits and
  /// the other half in the high ones. Folders have neighbours in a byte.
  private func blocks(_ codes: SafetensorsTensor, _ exponents: SafetensorsTensor, _ tensor: FolderTensor) -> [UInt8] {
    let perRow = tensor.shape.rowLength / 32, rows = tensor.shape.rows, size = 17
    return withBytes(of: codes) { codes in
      withBytes(of: exponents) { exponents in
        [UInt8](unsafeUninitializedCapacity: rows * perRow * size) { result, count in
          var target = 0
          for row in 0..<rows {
            let source = (tensor.rows?.source(row) ?? row) * perRow
            for block in source..<source + perRow {
              result[target] = exponents[block]
              for pair in 0..<8 {
                let first = codes[16 * block + pair], second = codes[16 * block + 8 + pair]
                result[target + 1 + 2 * pair] = first & 15 | second << 4
                result[target + 2 + 2 * pair] = first >> 4 | second & 0xF0
              }
              target += size
            }
          }
          count = target
        }
      }
    }
  }

  /// The sections of a layer in its own format, of some rows. Those of rows lie in formats whose sections are rows alone.
  private func sections(of layer: LinearTensors, _ format: TensorFormat, _ rows: FolderRows?) -> [UInt8] {
    let sections = format.sectioned!.sections(rows: rows?.count ?? layer.outputs, columns: layer.inputs)!
    var bytes = [UInt8](repeating: 0, count: sections.byteCount)
    for (part, offset) in zip(layer.parts, sections.offsets) {
      withBytes(of: part) { source in
        if let rows {
          let taken = rows.bytes(of: source, size: source.count / layer.outputs)
          bytes.replaceSubrange(offset..<offset + taken.count, with: taken)
        } else {
          bytes.replaceSubrange(offset..<offset + source.count, with: source)
        }
      }
    }
    return bytes
  }

  /// Tensors of the same shape and format, one after the other; of a format with sections, section after section.
  private func stacked(_ parts: [FolderTensor], _ format: TensorFormat) -> [UInt8] {
    guard let sectioned = format.sectioned else {
      var all: [UInt8] = []
      for part in parts {
        withBytes(of: part) { bytes in
          if all.isEmpty { all.reserveCapacity(parts.count * bytes.count) }
          all.append(contentsOf: bytes)
        }
      }
      return all
    }
    let rows = parts[0].shape.rows, columns = parts[0].shape.rowLength
    let each = sectioned.sections(rows: rows, columns: columns)!
    let all = sectioned.sections(rows: rows * parts.count, columns: columns)!
    var bytes = [UInt8](repeating: 0, count: all.byteCount)
    for (index, part) in parts.enumerated() {
      withBytes(of: part) { source in
        for (section, size) in each.sizes.enumerated() {
          let to = all.offsets[section] + index * size, from = each.offsets[section]
          bytes.replaceSubrange(to..<to + size, with: source[from..<from + size])
        }
      }
    }
    return bytes
  }

  /// The weight of a layer, row after row.
  ///
  /// - Parameter format: the layer's.
  func values(of layer: LinearTensors, _ format: TensorFormat) -> [Double] {
    let shape: Shape = [layer.outputs, layer.inputs]
    guard format.sectioned != nil else { return withBytes(of: layer.parts[0]) { format.decode($0, shape) } }
    return format.decode(sections(of: layer, format, nil), shape)
  }
}
