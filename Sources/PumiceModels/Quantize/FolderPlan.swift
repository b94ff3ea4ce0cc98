import Foundation
public import PumiceModelFiles
import PumiceQuantization
public import PumiceTensors

/// Which tensors of a Hugging Face folder are quantized to codes with scales, and how.
public struct FolderPlan: Sendable {
  public struct Entry: Sendable {
    public let tensor: SafetensorsTensor
    /// Nil for tensors that are copied.
    public let format: GroupFormat?
    /// Why a weight stays as it is; nil for what is quantized, and for what never is.
    public let remark: String?

    /// The layer's name: the tensor's without `.weight`.
    var layer: String { String(tensor.name.dropLast(".weight".count)) }
  }

  /// Of layers that nothing else is said about.
  public let format: GroupFormat
  public let entries: [Entry]

  /// - Parameter choose: the format of a weight, where it is not `format`.
  public init(
    _ file: SafetensorsFile, _ format: GroupFormat, choose: (SafetensorsTensor) -> GroupFormat? = { _ in nil }
  ) {
    self.format = format
    entries = file.tensors.map { tensor in
      guard Self.isQuantized(tensor) else { return Entry(tensor: tensor, format: nil, remark: nil) }
      let columns = tensor.shape.rowLength
      let chosen = choose(tensor) ?? format
      guard columns % 32 == 0, columns % chosen.rowMultiple == 0 else {
        return Entry(
          tensor: tensor, format: nil,
          remark: "rows of \(columns) are no whole number of groups of \(chosen.group ?? 32): \(tensor.type)")
      }
      return Entry(tensor: tensor, format: chosen, remark: nil)
    }
  }

  /// Whether a tensor is a weight matrix of a linear layer or an embedding, and no router of experts.
  static func isQuantized(_ tensor: SafetensorsTensor) -> Bool {
    guard tensor.shape.rank == 2, tensor.shape.count > 0, tensor.name.hasSuffix(".weight"),
      [.f32, .f16, .bf16].contains(tensor.type)
    else { return false }
    let kept = ["norm.weight", ".gate.weight", ".router.weight", "conv1d.weight"]
    return !kept.contains { tensor.name.hasSuffix($0) }
  }

  /// Whether MLX itself has the format: these widths and groups, and always an offset.
  static func isMLX(_ format: GroupFormat) -> Bool {
    [2, 3, 4, 5, 6, 8].contains(format.bits) && format.group.map { [32, 64, 128].contains($0) } ?? false
  }

  /// Whether all layers can be read by MLX. Symmetric codes then get the offset that makes them so; otherwise Pumice's
  /// extension of the layout, version 1, stores them without.
  public var isMLX: Bool { entries.allSatisfy { $0.format.map(Self.isMLX) ?? true } && Self.isMLX(format) }

  /// Whether a layer's offsets are stored.
  func hasOffsets(_ format: GroupFormat) -> Bool { isMLX || format.offset == .bias }

  /// The member `quantization` of `config.json`.
  var configuration: String {
    func scheme(_ format: GroupFormat) -> String {
      "\"group_size\": \(format.group ?? -1), \"bits\": \(format.bits)"
        + (hasOffsets(format) ? "" : ", \"mode\": \"symmetric\"")
    }
    var members = [scheme(format)]
    if !isMLX { members.append("\"pumice_version\": 1") }
    for entry in entries {
      guard let format = entry.format, format != self.format else { continue }
      members.append("\"\(entry.layer)\": {\(scheme(format))}")
    }
    return "{\(members.joined(separator: ", "))}"
  }

  /// Bytes that a tensor has when written.
  func byteCount(_ entry: Entry) -> Int {
    guard let format = entry.format else { return entry.tensor.byteCount }
    let rows = entry.tensor.shape.rows, columns = entry.tensor.shape.rowLength
    let numbers = rows * format.groups(columns: columns) * format.scale.byteCount
    return rows * columns / 8 * format.bits + (hasOffsets(format) ? 2 : 1) * numbers
  }

  /// Bytes of all tensors when written.
  public var byteCount: Int { entries.reduce(0) { $0 + byteCount($1) } }
}
