import ArgumentParser
import Foundation
import PumiceModelFiles
import PumiceModels
import PumiceReference
import PumiceTensors

/// `pumice errors`.
struct ErrorsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "errors",
    abstract: "Shows by how much the weights of a model differ from those of another.",
    discussion: """
      For each tensor that both have: the mean squared difference, and its share of the mean square of the first one's
      elements. Tensors that are stored alike are left out.

      Example: pumice errors model-f16.gguf model-q4_k.gguf
      """)

  @Argument(help: "The model to measure against, a GGUF file.", completion: .file(extensions: ["gguf"]))
  var original: String

  @Argument(help: "The other model.", completion: .file(extensions: ["gguf"]))
  var other: String

  @Flag(help: "Print JSON.") var json = false

  private struct Row: Encodable {
    var tensor: String
    var type: String
    var meanSquaredError: Double
    var relativeError: Double
  }

  func run() throws {
    let original = try GGUFFile(path: original), other = try GGUFFile(path: other)
    var rows: [Row] = []
    for tensor in other.tensors {
      guard let reference = original.tensor(named: tensor.name), reference.type != tensor.type else { continue }
      guard reference.shape == tensor.shape else {
        throw other.error(
          .invalidTensor, subject: "tensor \(tensor.name)",
          "is \(tensor.shape), but \(reference.shape) in \(original.path)")
      }
      let (error, square) = try TensorDifference(original, reference, other, tensor).sums()
      let count = Double(tensor.shape.count)
      rows.append(
        Row(
          tensor: tensor.name, type: tensor.type.name, meanSquaredError: error / count,
          relativeError: square > 0 ? error / square : 0))
    }
    if json { return try printJSON(rows) }
    printTable(
      ["tensor", "type", "mean squared error", "relative"],
      rows.map {
        [$0.tensor, $0.type, String(format: "%.6e", $0.meanSquaredError), String(format: "%.6e", $0.relativeError)]
      })
  }
}

/// The squared difference of a tensor in two files, a piece at a time.
private struct TensorDifference {
  let files: [GGUFFile]
  let tensors: [GGUFTensor]
  let formats: [TensorFormat]

  init(_ file: GGUFFile, _ tensor: GGUFTensor, _ other: GGUFFile, _ otherTensor: GGUFTensor) throws {
    files = [file, other]
    tensors = [tensor, otherTensor]
    formats = [try file.format(of: tensor), try other.format(of: otherTensor)]
  }

  /// Σ (x − y)² and Σ x².
  func sums() throws -> (error: Double, square: Double) {
    let columns = tensors[0].shape.rowLength, rows = tensors[0].shape.rows
    let step = max((1 << 18) / columns, 1)
    var error = 0.0, square = 0.0
    for first in stride(from: 0, to: rows, by: step) {
      let range = first..<min(first + step, rows)
      let x = values(0, range, columns), y = values(1, range, columns)
      for (x, y) in zip(x, y) {
        error += (x - y) * (x - y)
        square += x * x
      }
    }
    return (error, square)
  }

  private func values(_ index: Int, _ rows: Range<Int>, _ columns: Int) -> [Double] {
    files[index].withBytes(of: tensors[index]) { bytes in
      let size = bytes.count / tensors[index].shape.rows
      let wanted = bytes[rows.lowerBound * size..<rows.upperBound * size]
      return formats[index].decode(UnsafeRawBufferPointer(rebasing: wanted))
    }
  }
}
