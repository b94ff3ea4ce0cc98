public import PumiceModelFiles
public import PumiceQuantization
import PumiceReference
public import PumiceTensors

/// Chooses the format of each weight of a model such that the squared error of all is least while their storage stays within
/// a number of bits per weight, as LQ-LoRA does (Guo et al. 2024).
///
/// Errors are measured on some rows of each weight, spread evenly, and weighted by importance where it is known.
public struct BudgetAllocation<Format: Hashable & Sendable>: Sendable {
  /// The format of each weight, by its name.
  public let formats: [String: Format]
  /// What all weights take with these.
  public let bitsPerWeight: Double
  /// Whether no other choice within the budget has less error on the rows that were measured.
  public let isOptimal: Bool

  /// One weight and what it could be stored as.
  struct Weight {
    var name: String
    var elements: Int
    var choices: [(format: Format, bytes: Int, error: Double)]
  }

  /// - Throws: `wrongParameter` when the budget is below what the smallest formats take.
  init(_ weights: [Weight], budget: Double) throws(QuantizationError) {
    let elements = weights.reduce(0) { $0 + $1.elements }
    let bytes = Double(elements) * budget / 8
    guard budget > 0, bytes < 9e18 else {
      throw QuantizationError(.wrongParameter, "a budget of \(budget) bits per weight is none")
    }
    let allocation = try BitAllocation(
      weights.map { $0.choices.map { .init(size: $0.bytes, error: $0.error) } }, budget: Int(bytes))
    var formats: [String: Format] = [:]
    for (weight, choice) in zip(weights, allocation.chosen) { formats[weight.name] = weight.choices[choice].format }
    self.formats = formats
    bitsPerWeight = elements > 0 ? Double(allocation.size) * 8 / Double(elements) : 0
    isOptimal = allocation.isOptimal
  }
}

/// Rows of a weight that stand for all of them.
struct SampledRows {
  let values: [Float]
  let columns: Int
  /// By how much an error on them is to be multiplied.
  let factor: Double
  let importance: [Float]?

  private static let count = 64

  /// - Parameter row: decodes one row.
  init(rows: Int, columns: Int, importance: [Float]?, row: (Int) -> [Double]) {
    let taken = min(rows, Self.count)
    values = (0..<taken).flatMap { row($0 * rows / taken).map { Float($0) } }
    self.columns = columns
    factor = Double(rows) / Double(taken)
    self.importance = importance
  }

  /// Σ w (x − y)² of the whole weight, as far as the rows show it.
  func error(_ format: TensorFormat) throws(QuantizationError) -> Double {
    let bytes = try WeightEncoding(format).encode(values, columns: columns, importance: importance)
    let decoded = format.decode(bytes, [values.count / columns, columns])
    var sum = 0.0
    for (index, (x, y)) in zip(values, decoded).enumerated() {
      sum += Double(importance?[index % columns] ?? 1) * (Double(x) - y) * (Double(x) - y)
    }
    return sum * factor
  }
}

extension QuantizationPlan {
  /// The types that a budget is spent on.
  public static let budgetFormats: [TensorFormat] =
    [.q2_K, .q3_K, .iq4_xs, .iq4_nl, .q4_K, .q5_0, .q5_K, .q6_K, .q8_0].map { .block($0) } + [.f16]

  /// Chooses a type for each weight of a model.
  ///
  /// - Parameters:
  ///   - budget: bits per weight, of the weights that are quantized at all.
  ///   - progress: is told the weight and the share that is done; what it throws ends the work.
  /// - Throws: `QuantizationError` with the tensor's name where there is one.
  public static func allocation(
    _ file: any GGUFSource, budget: Double, importance: ImportanceMatrix? = nil,
    progress: (_ tensor: String, _ share: Double) throws -> Void
  ) throws -> BudgetAllocation<TensorFormat> {
    let tensors = file.tensors.filter(isQuantized)
    var weights: [BudgetAllocation<TensorFormat>.Weight] = []
    for (index, tensor) in tensors.enumerated() {
      let columns = tensor.shape.rowLength, format = try file.format(of: tensor)
      try importance?.check(tensor.name, tensor.shape)
      let sample = file.withBytes(of: tensor) { bytes in
        let rowBytes = bytes.count / tensor.shape.rows
        return SampledRows(
          rows: tensor.shape.rows, columns: columns, importance: importance?.columns(of: tensor.name, matrix: 0)
        ) { row in format.decode(UnsafeRawBufferPointer(rebasing: bytes[row * rowBytes..<(row + 1) * rowBytes])) }
      }
      var weight = BudgetAllocation<TensorFormat>.Weight(
        name: tensor.name, elements: tensor.shape.count, choices: [])
      for format in budgetFormats where columns % format.blockLength == 0 {
        do throws(QuantizationError) {
          let bytes = tensor.shape.count / format.blockLength * format.blockBytes!
          weight.choices.append((format, bytes, try sample.error(format)))
        } catch {
          throw error.about(tensor.name)
        }
      }
      weights.append(weight)
      try progress(tensor.name, Double(index + 1) / Double(tensors.count))
    }
    return try BudgetAllocation(weights, budget: budget)
  }
}

extension FolderPlan {
  /// The formats of MLX, to spend a budget on.
  public static let budgetFormats: [TensorFormat] = [2, 3, 4, 5, 6, 8].flatMap { bits in
    [32, 64, 128].map { .group(GroupFormat(bits: bits, group: $0, offset: .bias)!) }
  }

  /// LQ-LoRA's grid: normal floats of 2, 3, 4 and 8 bits with quantized scales.
  public static let normalFloatFormats: [TensorFormat] = DoubleQuantization.grid.compactMap { storage in
    NormalFloatFormat(
      bits: storage.bits, group: storage.block,
      scale: .quantized(bits: storage.scaleBits, block: storage.superBlock, second: storage.second)
    ).map { .normalFloat($0) }
  }

  /// Chooses a format for each weight of a folder.
  ///
  /// - Parameters:
  ///   - budget: bits per weight, of the weights that are quantized at all.
  ///   - formats: what to choose from.
  ///   - progress: is told the weight and the share that is done; what it throws ends the work.
  /// - Throws: `QuantizationError` with the tensor's name where there is one.
  public static func allocation(
    _ file: any SafetensorsTensors, budget: Double, formats: [TensorFormat] = budgetFormats,
    importance: ImportanceMatrix? = nil,
    progress: (_ tensor: String, _ share: Double) throws -> Void
  ) throws -> BudgetAllocation<TensorFormat> {
    let tensors = file.tensors.filter { isQuantized($0) && $0.shape.rowLength % 128 == 0 }
    var weights: [BudgetAllocation<TensorFormat>.Weight] = []
    for (index, tensor) in tensors.enumerated() {
      let rows = tensor.shape.rows, columns = tensor.shape.rowLength, plain = tensor.format!
      let importances = try importance?.columns(ofFolderWeight: tensor.name, tensor.shape)
      let sample = file.withBytes(of: tensor) { bytes in
        let rowBytes = bytes.count / rows
        return SampledRows(rows: rows, columns: columns, importance: importances) { row in
          plain.decode(UnsafeRawBufferPointer(rebasing: bytes[row * rowBytes..<(row + 1) * rowBytes]))
        }
      }
      var weight = BudgetAllocation<TensorFormat>.Weight(name: tensor.name, elements: rows * columns, choices: [])
      for format in formats {
        guard let parts = format.sectionTensors(rows: rows, columns: columns) else { continue }
        do throws(QuantizationError) {
          let bytes = parts.reduce(0) { $0 + $1.shape.count * $1.type.bits / 8 }
          weight.choices.append((format, bytes, try sample.error(format)))
        } catch {
          throw error.about(tensor.name)
        }
      }
      weights.append(weight)
      try progress(tensor.name, Double(index + 1) / Double(tensors.count))
    }
    return try BudgetAllocation(weights, budget: budget)
  }

  /// The length of each weight's groups by FineQuant's rule, which looks at the ranges of the elements alone.
  ///
  /// - Returns: the format with that length.
  public static func adaptive(
    _ tensor: SafetensorsTensor, of file: any SafetensorsTensors, _ format: GroupFormat,
    rule: AdaptiveGroups = AdaptiveGroups()
  ) -> TensorFormat? {
    let columns = tensor.shape.rowLength
    let length = rule.length(file.elements(of: tensor), columns: columns)
    return GroupFormat(
      bits: format.bits, group: length == columns ? nil : length, offset: format.offset, scale: format.scale
    ).map { .group($0) }
  }
}
