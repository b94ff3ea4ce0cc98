import PumiceModelFiles
import PumiceTensors

/// Finds what becomes of every tensor of a folder.
struct FolderTensors {
  let file: SafetensorsFile
  let config: FolderConfiguration
  let quantization: QuantizationConfig?
  let isRun: Bool
  private var tensors: [String: FolderTensor] = [:]
  /// Tensors that differ in a number, by their common name.
  private var stacks: [String: [Int: FolderTensor]] = [:]
  var layers: Set<String> = []

  init(_ file: SafetensorsFile, _ config: FolderConfiguration, _ quantization: QuantizationConfig?, isRun: Bool) {
    (self.file, self.config, self.quantization, self.isRun) = (file, config, quantization, isRun)
  }

  /// - Returns: by GGUF's names.
  /// - Throws: `unsupportedModel` for a tensor that the family has no place for, and what is wrong with which tensor.
  mutating func read() throws(ModelFileError) -> [String: FolderTensor] {
    if let rope = config.rope {
      let dimensions = Int(Double(config.headSize) * rope.share)
      if let values = rope.scaling.factors(rotaryDimensions: dimensions, base: rope.base) { set("rope_freqs", values) }
      for (name, values) in rope.factors { set(name, values) }
    }
    for scale in config.productScales {
      for layer in 0..<config.layerCount { set("blk.\(layer).\(scale.name)", scale.values, part: "scale") }
    }
    for tensor in file.tensors { try read(tensor) }
    for (name, parts) in stacks.sorted(by: { $0.key < $1.key }) { try stack(name, parts) }
    return tensors
  }

  private mutating func set(_ name: String, _ values: [Float], part: String = "weight") {
    tensors["\(name).\(part)"] = FolderTensor(storage: .values(values), shape: [values.count], format: .f32)
  }

  func homeless(_ tensor: SafetensorsTensor) -> ModelFileError {
    file.error(
      .unsupportedModel, tensor, "\(config.family.types[0]) has no place for it, as far as it can be run")
  }

  /// What stands before the tensors of parts for images and sounds.
  private static let otherParts = [
    "vision_tower.", "model.vision_tower.", "vision_model.", "visual.", "model.visual.", "multi_modal_projector.",
    "model.multi_modal_projector.", "audio_tower.", "model.audio_tower.", "embed_vision.", "model.embed_vision.",
  ]

  /// Tensors in GGUF's names of which a model uses rows here and rows there.
  private static let divided: Set<String> = ["attn_kv_a_mqa", "attn_qkv", "shortconv.in_proj", "ssm_in", "ssm_x"]

  private mutating func read(_ tensor: SafetensorsTensor) throws(ModelFileError) {
    if config.hasOtherParts, Self.otherParts.contains(where: tensor.name.hasPrefix) { return }
    // Recomputed by every program.
    let isIgnored = (config.family.ignored + ["inv_freq"]).contains { ".\(tensor.name)".hasSuffix(".\($0)") }
    if isIgnored { return }
    if config.family.ignoredPrefixes.contains(where: tensor.name.hasPrefix) { return }
    // Layers that predict tokens further ahead than the next one.
    if let layer = config.family.layer(of: tensor.name), layer >= config.layerCount,
      layer < config.layerCount + config.predictionLayers
    {
      return
    }
    if let (prefix, target, _) = config.family.target(of: tensor.name) {
      return try readWhole(tensor, target, prefix)
    }
    guard let dot = tensor.name.lastIndex(of: ".") else { throw homeless(tensor) }
    let layer = String(tensor.name[..<dot]), part = String(tensor.name[tensor.name.index(after: dot)...])
    guard let (prefix, target, number) = config.family.target(of: layer) else { throw homeless(tensor) }
    if case .experts(let stack) = target {
      guard part == "weight", tensor.format?.isPlain == true else { return try readCodes(tensor, layer, stack, prefix) }
      return try read(tensor, stack, prefix)
    }
    // A copy of the embedding that some programs write.
    if config.isTied, target == .one("output"), part == "weight" { return }
    let isNumbers = ["weight", "bias"].contains(part) && tensor.format?.isPlain == true
    if isNumbers {
      let isTransposed = config.family.isTransposed && prefix != "" && tensor.shape.rank == 2
      var shape = tensor.shape
      if isTransposed { shape = [shape[1], shape[0]] }
      for (name, rows) in try parts(of: tensor, target, rows: shape.rank > 0 ? shape[0] : 0) {
        let isNorm = part == "weight" && name.hasSuffix("norm")
        var shown = FolderTensor(storage: .plain(tensor), shape: shape, format: tensor.format!, rows: rows)
        if isTransposed { shown.transposed = 1 }
        // GGUF has vectors in F32.
        if shape.rank == 1 || isNorm { shown.format = .f32 }
        if isNorm, name != "ssm_norm", config.family.addsOneToGains { shown.change = .addsOne }
        if name == "output", part == "weight", config.family.normalizesOutput {
          (shown.hasUnitRows, shown.format) = (true, .f32)
        }
        let hasShape = reshape(&shown, target, name) || tile(&shown, name)
        try add(prefix, name, part, shown, number, tensor, hasShape: hasShape)
      }
      return
    }
    guard layers.insert(layer).inserted else { return }
    let linear = try file.linear(named: layer, quantization: quantization)
    guard let format = linear.format else {
      throw file.error(.unsupportedQuantization, tensor, "its layout cannot be computed with")
    }
    for (name, rows) in try parts(of: tensor, target, rows: linear.outputs) {
      // Formats with sections are shown for whole tensors alone, and become one where all sections are of rows.
      let isWhole = format.sectioned == nil || !Self.divided.contains(name)
      let isMadeOfRows = rows != nil || number != nil
      var shown = FolderTensor(
        storage: .layer(linear, format), shape: [linear.outputs, linear.inputs],
        format: isRun && isWhole && (!isMadeOfRows || format.hasRows) ? format : .f32, rows: rows)
      let hasShape = reshape(&shown, target, name) || tile(&shown, name)
      shown.hasUnitRows = name == "output" && config.family.normalizesOutput
      if hasShape || shown.hasUnitRows { shown.format = .f32 }
      try add(prefix, name, "weight", shown, number, tensor, hasShape: hasShape)
    }
  }

  private func parts(
    of tensor: SafetensorsTensor, _ target: FolderTarget, rows: Int
  ) throws(ModelFileError) -> [(name: String, rows: FolderRows?)] {
    guard let parts = target.parts(rows: rows, config) else {
      throw file.error(
        .invalidTensor, tensor,
        "its \(rows) rows are not those of \(config.heads) heads of queries and \(config.kvHeads) of keys and values, each "
          + "of \(config.headSize)")
    }
    // The order of rows is GGUF's only where a file is written.
    if let sizes = config.tiled, case .one(let name) = target, name != "ssm_out" {
      return [(name, sizes.tiled(name, rows: rows))]
    }
    if let sizes = config.tiled, case .kernels(let name) = target { return [(name, sizes.tiled(name, rows: rows))] }
    guard config.family.hasPairsInGGUF, !isRun else { return parts }
    let heads = HeadRows(headSize: config.headSize)
    return parts.map { part in
      guard part.name == "attn_q" || part.name == "attn_k" else { return part }
      return (part.name, (part.rows ?? FolderRows(0..<rows)).ordered { heads.folderRow($0) })
    }
  }

  /// - Parameters:
  ///   - part: the end of its name; empty for none.
  ///   - number: its place among tensors that become one.
  ///   - hasShape: whether its shape is that of its rows already.
  mutating func add(
    _ prefix: String, _ name: String, _ part: String, _ tensor: FolderTensor, _ number: Int?,
    _ source: SafetensorsTensor, hasShape: Bool = false
  ) throws(ModelFileError) {
    var tensor = tensor
    if let rows = tensor.rows, !hasShape { tensor.shape = Shape([rows.count] + tensor.shape.dimensions.dropFirst()) }
    let whole = part.isEmpty ? "\(prefix)\(name)" : "\(prefix)\(name).\(part)"
    let isNew =
      number.map { stacks[whole, default: [:]].updateValue(tensor, forKey: $0) == nil }
      ?? (tensors.updateValue(tensor, forKey: whole) == nil)
    guard isNew else {
      throw file.error(.duplicate, source, "is \(whole) in GGUF's names, and so is another tensor")
    }
  }

  private mutating func stack(_ name: String, _ parts: [Int: FolderTensor]) throws(ModelFileError) {
    let first = parts[0]
    for number in 0..<parts.count {
      guard let part = parts[number], part.shape == first?.shape, part.format == first?.format else {
        throw ModelFileError(
          file: file.path, code: .invalidTensor, subject: "tensor \(name)",
          detail: "number \(number) of \(parts.count) is missing, or of another shape or format than the first")
      }
    }
    guard let first else { return }
    tensors[name] = FolderTensor(
      storage: .stack((0..<parts.count).map { parts[$0]! }), shape: Shape([parts.count] + first.shape.dimensions),
      format: first.format)
  }
}

extension TensorFormat {
  /// Whether each section of a tensor has a part of its own for every row.
  var hasRows: Bool {
    if case .group = self { return true }
    return sectioned == nil
  }
}
