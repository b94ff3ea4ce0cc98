public import PumiceModelFiles
import PumiceReference
import PumiceTensors

/// How much the columns of each weight matter, measured by running a model: the mean squares of what they are multiplied by.
///
/// Read from the GGUF form of llama.cpp's importance matrices: for a weight NAME the tensors `NAME.in_sum2`, sums of squares
/// of inputs, one row for each matrix of experts, and `NAME.counts`, how many inputs were summed for each.
public struct ImportanceMatrix: Sendable {
  /// The path of its file.
  public let path: String
  /// What the model was run on, as far as the file says.
  public let datasets: [String]
  public let chunks: Int?
  /// For each weight: for each of its matrices, the mean squares by column; nil for an expert that was never used.
  private let entries: [String: [[Float]?]]

  /// - Throws: what is wrong with the file, and with which tensor.
  public init(_ file: GGUFFile) throws(ModelFileError) {
    path = file.path
    guard try file.optionalString("general.type") == "imatrix" else {
      throw file.error(.invalidMetadata, subject: "key general.type", "is not imatrix: this is no importance matrix")
    }
    datasets = try file.optionalStringArray("imatrix.datasets") ?? []
    chunks = try file.optionalInteger("imatrix.chunk_count", in: 0...Int.max)
    var entries: [String: [[Float]?]] = [:]
    let suffix = ".in_sum2"
    for tensor in file.tensors where tensor.name.hasSuffix(suffix) {
      let name = String(tensor.name.dropLast(suffix.count))
      let counts = try file.requiredTensor(named: "\(name).counts")
      guard tensor.type == .f32, counts.type == .f32, counts.shape.count == tensor.shape.rows else {
        throw file.error(
          .invalidTensor, subject: "tensor \(tensor.name)",
          "\(tensor.shape) \(tensor.type) with counts of \(counts.shape) \(counts.type) are no sums with their counts")
      }
      let sums = file.withBytes(of: tensor) { TensorFormat.f32.decode($0) }
      let numbers = file.withBytes(of: counts) { TensorFormat.f32.decode($0) }
      guard (sums + numbers).allSatisfy({ $0 >= 0 && $0.isFinite }) else {
        throw file.error(.invalidTensor, subject: "tensor \(tensor.name)", "has sums or counts below 0 or no number")
      }
      let columns = tensor.shape.rowLength
      entries[name] = numbers.enumerated().map { matrix, count in
        let row = sums[matrix * columns..<(matrix + 1) * columns]
        return count > 0 && row.contains { $0 > 0 } ? row.map { Float($0 / count) } : nil
      }
    }
    guard !entries.isEmpty else { throw file.error(.missingTensor, "has no tensor NAME.in_sum2") }
    self.entries = entries
  }

  /// The number of weights that it knows.
  public var count: Int { entries.count }

  func contains(_ weight: String) -> Bool { entries[weight] != nil }

  /// The importance of the columns of a matrix of a weight; nil when nothing is known about it.
  func columns(of weight: String, matrix: Int) -> [Float]? {
    guard let matrices = entries[weight] else { return nil }
    return matrices.count == 1 ? matrices[0] : matrices.indices.contains(matrix) ? matrices[matrix] : nil
  }

  /// Checks that what is known about a weight fits its shape.
  ///
  /// - Throws: `invalidTensor`.
  func check(_ weight: String, _ shape: Shape) throws(ModelFileError) {
    guard let matrices = entries[weight] else { return }
    let expected = shape.dimensions.dropLast(2).reduce(1, *)
    let columns = matrices.compactMap { $0?.count }.first ?? shape.rowLength
    guard matrices.count == 1 || matrices.count == expected, columns == shape.rowLength else {
      throw ModelFileError(
        file: path, code: .invalidTensor, subject: "tensor \(weight).in_sum2",
        detail: "\(matrices.count) rows of \(columns), but the weight is \(shape)")
    }
  }
}

/// Weights by the names that folders give them.
extension ImportanceMatrix {
  func knows(folderWeight name: String) -> Bool { FolderNames.ggufName(name).map(contains) ?? false }

  /// The importance of the columns of a matrix; nil when nothing is known about it.
  ///
  /// - Throws: `invalidTensor`.
  func columns(ofFolderWeight name: String, _ shape: Shape) throws(ModelFileError) -> [Float]? {
    guard let weight = FolderNames.ggufName(name) else { return nil }
    try check(weight, shape)
    return columns(of: weight, matrix: 0)
  }
}
