public import PumiceModelFiles
public import PumiceQuantization
public import PumiceTensors

/// Which tensors of a Hugging Face folder are quantized to codes with scales or tables, and how.
public struct FolderPlan: Sendable {
  public struct Entry: Sendable {
    public let tensor: SafetensorsTensor
    /// Nil for tensors that are copied.
    public let format: TensorFormat?
    /// Why a weight stays as it is; nil for what is quantized, and for what never is.
    public let remark: String?

    /// The layer's name: the tensor's without `.weight`.
    var layer: String { String(tensor.name.dropLast(".weight".count)) }
  }

  /// Of layers that nothing else is said about.
  public let format: TensorFormat
  /// Whether only the levels of ABQ's bit balance are used; see `WeightEncoding`.
  public let isBalanced: Bool
  public let entries: [Entry]

  /// - Parameters:
  ///   - isBalanced: whether only the levels of ABQ's bit balance are used.
  ///   - choose: the format of a weight, where it is not `format`.
  /// - Throws: `unsupportedFormat` for a format that has no encoder or no place in safetensors.
  public init(
    _ file: any SafetensorsTensors, _ format: TensorFormat, isBalanced: Bool = false,
    choose: (SafetensorsTensor) -> TensorFormat? = { _ in nil }
  ) throws(QuantizationError) {
    var entries: [Entry] = []
    for tensor in file.tensors {
      guard Self.isQuantized(tensor) else {
        let remark = Self.holdsMatrices(tensor) ? "the matrices in one tensor stay as they are: \(tensor.type)" : nil
        entries.append(Entry(tensor: tensor, format: nil, remark: remark))
        continue
      }
      let columns = tensor.shape.rowLength, chosen = choose(tensor) ?? format
      guard SectionEncoder.supports(chosen) else {
        throw QuantizationError(.unsupportedFormat, tensor: tensor.name, "\(chosen) has no encoder for folders")
      }
      if chosen.sectionTensors(rows: tensor.shape.rows, columns: columns) != nil, columns % 32 == 0 {
        entries.append(Entry(tensor: tensor, format: chosen, remark: nil))
      } else {
        let remark = "rows of \(columns) are no whole number of groups of \(chosen.blockLength): \(tensor.type)"
        entries.append(Entry(tensor: tensor, format: nil, remark: remark))
      }
    }
    self.format = format
    self.isBalanced = isBalanced
    self.entries = entries
  }

  /// Whether a tensor is a weight matrix of a linear layer or an embedding, and no router of experts.
  static func isQuantized(_ tensor: SafetensorsTensor) -> Bool {
    guard tensor.shape.rank == 2, tensor.shape.count > 0, tensor.name.hasSuffix(".weight"),
      [.f32, .f16, .bf16].contains(tensor.type)
    else { return false }
    let kept = [
      "norm.weight", ".gate.weight", ".gate.wg.weight", ".router.weight", ".router.layer.weight",
      ".shared_expert_gate.weight", "conv1d.weight",
    ]
    return !kept.contains { tensor.name.hasSuffix($0) }
  }

  /// Whether a tensor holds the matrices of all experts, which no layout of quantized folders has under that name.
  private static func holdsMatrices(_ tensor: SafetensorsTensor) -> Bool {
    guard [.f32, .f16, .bf16].contains(tensor.type) else { return false }
    let shape = tensor.shape, name = tensor.name
    if shape.rank == 3 { return shape.dimensions.allSatisfy { $0 > 1 } }
    // DBRX's lie one below the other.
    return shape.rank == 2 && name.contains(".experts.") && !name.hasSuffix(".weight") && !name.hasSuffix("bias")
  }

  /// Whether MLX itself has the format: these widths and groups, and always an offset.
  private static func isMLX(_ format: TensorFormat) -> Bool {
    guard case .group(let group) = format else { return false }
    return [2, 3, 4, 5, 6, 8].contains(group.bits) && group.group.map { [32, 64, 128].contains($0) } ?? false
  }

  /// Whether all layers can be read by MLX. Symmetric codes then get the offset that makes them so; otherwise Pumice's
  /// extension of the layout, version 1, stores them without.
  public var isMLX: Bool { entries.allSatisfy { $0.format.map(Self.isMLX) ?? true } && Self.isMLX(format) }

  /// The format that a reader finds: in MLX's own layout all groups have offsets.
  func stored(_ format: TensorFormat) -> TensorFormat {
    guard isMLX, case .group(let group) = format,
      let other = GroupFormat(bits: group.bits, group: group.group, offset: .bias, scale: group.scale)
    else { return format }
    return .group(other)
  }

  /// The member `quantization` of `config.json`.
  var configuration: String {
    func scheme(_ format: TensorFormat) -> String {
      guard case .group(let group) = stored(format) else { return "\"format\": \"\(format)\"" }
      return "\"group_size\": \(group.group ?? -1), \"bits\": \(group.bits)"
        + (group.offset == .bias ? "" : ", \"mode\": \"symmetric\"")
    }
    var members = [scheme(format)]
    if !isMLX { members.append("\"pumice_version\": 1") }
    for entry in entries {
      guard let format = entry.format, format != self.format else { continue }
      members.append("\"\(entry.layer)\": {\(scheme(format))}")
    }
    return "{\(members.joined(separator: ", "))}"
  }

  /// The tensors that a quantized one is written as.
  func parts(_ entry: Entry) -> [SectionTensor] {
    guard let format = entry.format else { return [] }
    return stored(format).sectionTensors(rows: entry.tensor.shape.rows, columns: entry.tensor.shape.rowLength)!
  }

  /// Bytes that a tensor has when written.
  func byteCount(_ entry: Entry) -> Int {
    entry.format == nil
      ? entry.tensor.byteCount : parts(entry).reduce(0) { $0 + $1.shape.count * $1.type.bits / 8 }
  }

  /// Bytes of all tensors when written.
  public var byteCount: Int { entries.reduce(0) { $0 + byteCount($1) } }
}
