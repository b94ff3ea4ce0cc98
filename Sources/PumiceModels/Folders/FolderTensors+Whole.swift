import PumiceModelFiles
import PumiceTensors

/// Tensors that are no layer's weight or bias, and those of all experts.
extension FolderTensors {
  /// A tensor that the family knows by its whole name.
  mutating func readWhole(
    _ tensor: SafetensorsTensor, _ target: FolderTarget, _ prefix: String
  ) throws(ModelFileError) {
    if case .experts(let stack) = target { return try read(tensor, stack, prefix) }
    guard case .numbers(let name, let kind) = target else { throw homeless(tensor) }
    guard tensor.format?.isPlain == true, tensor.shape.rank > 0 else {
      throw file.error(.invalidTensor, tensor, "is \(tensor.shape) of \(tensor.type), expected plain numbers")
    }
    var shape = tensor.shape
    if kind == .flat { shape = [shape.count] }
    if kind.isColumn { shape = [shape.count, 1] }
    var shown = FolderTensor(storage: .plain(tensor), shape: shape, format: .f32)
    if kind.isDecay { shown.change = .decay }
    let dot = name.lastIndex(of: ".")
    let stem = dot.map { String(name[..<$0]) } ?? name
    if tensor.shape.rank == 1 { shown.rows = config.tiled?.tiled(stem, rows: tensor.shape[0]) }
    try add(prefix, stem, dot.map { String(name[$0...].dropFirst()) } ?? "", shown, nil, tensor)
  }

  /// Extents that folders have and GGUF's files have not, or the other way around.
  ///
  /// - Parameter name: what it becomes.
  /// - Returns: whether its shape is that of its rows then.
  func reshape(_ shown: inout FolderTensor, _ target: FolderTarget, _ name: String) -> Bool {
    switch target {
    case .kernels where shown.shape.rank == 3 && shown.shape[1] == 1:
      shown.shape = [shown.shape[0], shown.shape[2]]
      shown.format = .f32
    case .gainsOfGroups:
      let groups = max(1, config.recurrence?.groups ?? 1)
      guard groups > 1, shown.shape.count % groups == 0 else { return false }
      shown.shape = [groups, shown.shape.count / groups]
    case .keysAndValuesOfLatents:
      guard let rows = shown.rows, let latents = config.latents else { return false }
      let width = shown.shape.rowLength, isKey = name == "attn_k_b"
      shown.shape = isKey ? [config.heads, width, latents.plain] : [config.heads, latents.value, width]
      if isKey { shown.transposedRows = rows.count / latents.plain }
    // A row.
    case .one("ffn_gate_inp_shexp") where shown.shape.rank == 2 && shown.shape[0] == 1:
      shown.shape = [shown.shape[1]]
    default: return false
    }
    return true
  }

  /// The columns of a delta net's output in the order of GGUF's files: it reads what the rows of others give.
  ///
  /// - Returns: whether it is such a matrix.
  func tile(_ shown: inout FolderTensor, _ name: String) -> Bool {
    guard let sizes = config.tiled, name == "ssm_out", shown.shape.rank == 2,
      let rows = sizes.tiled(name, rows: shown.shape[1])
    else { return false }
    (shown.transposed, shown.rows, shown.transposedRows) = (1, rows, 1)
    return true
  }

  /// Matrices or biases of all experts.
  mutating func read(
    _ tensor: SafetensorsTensor, _ stack: ExpertStack, _ prefix: String
  ) throws(ModelFileError) {
    let experts = config.mixture?.count ?? 1
    var extents = tensor.shape.dimensions
    let isBlocks = stack.part == .blocks
    if isBlocks, extents.count == 4 { extents = [extents[0], extents[1], extents[2] * extents[3] * 2] }
    if stack.isFlat, extents.count == 2, extents[0] % experts == 0 {
      extents = [experts, extents[0] / experts, extents[1]]
    }
    if stack.part == .bias { extents.append(1) }
    guard extents.count == 3, extents[0] == experts, isBlocks || tensor.format?.isPlain == true else {
      throw file.error(
        .invalidTensor, tensor,
        "is \(tensor.shape) of \(tensor.type), which are not plain matrices of \(experts) experts")
    }
    if stack.isTransposed { extents.swapAt(1, 2) }
    let storage = isBlocks ? try blocks(tensor) : .plain(tensor)
    guard var parts = stack.parts(experts: experts, rows: extents[1]) else {
      throw file.error(.invalidTensor, tensor, "its \(extents[1]) rows are no gates and as many ups")
    }
    // The architectures read gates and ups from one tensor too, where it need not be copied.
    if isRun, stack == .gatesAndUps { parts = [("ffn_gate_up_exps", nil)] }
    for (name, rows) in parts {
      let count = rows.map { $0.count / experts } ?? extents[1]
      var shown = FolderTensor(
        storage: storage, shape: stack.part == .bias ? [experts, count] : [experts, count, extents[2]],
        format: isBlocks ? .block(.mxfp4) : tensor.format!, rows: rows)
      if stack.isTransposed { shown.transposed = experts }
      if stack.part == .bias { shown.format = .f32 }
      try add(prefix, name, stack.part == .bias ? "bias" : "weight", shown, nil, tensor, hasShape: true)
    }
  }

  /// Quantized matrices of all experts.
  mutating func readCodes(
    _ tensor: SafetensorsTensor, _ layer: String, _ stack: ExpertStack, _ prefix: String
  ) throws(ModelFileError) {
    let experts = config.mixture?.count ?? 1
    guard layers.insert(layer).inserted else { return }
    guard stack.names.count == 1, !stack.isTransposed else {
      throw file.error(.unsupportedQuantization, tensor, "gates and ups in one tensor are not read with codes")
    }
    let linear = try file.linear(named: layer, quantization: quantization, experts: experts)
    guard let format = linear.format, linear.bias == nil else {
      throw file.error(.unsupportedQuantization, tensor, "its layout cannot be computed with")
    }
    let shown = FolderTensor(
      storage: .layer(linear, format), shape: [experts, linear.outputs / experts, linear.inputs],
      format: isRun && format.hasRows ? format : .f32)
    try add(prefix, stack.names[0], "weight", shown, nil, tensor, hasShape: true)
  }

  private func blocks(_ codes: SafetensorsTensor) throws(ModelFileError) -> FolderTensor.Storage {
    let name = codes.name.replacing("_blocks", with: "_scales")
    let exponents = try file.requiredTensor(named: name)
    guard codes.type == .u8, codes.shape.rank == 4, codes.shape[3] == 16 else {
      throw file.error(.invalidTensor, codes, "is \(codes.shape) of \(codes.type), expected blocks of 16 bytes")
    }
    guard exponents.type == .u8, exponents.shape.dimensions == Array(codes.shape.dimensions.dropLast()) else {
      throw file.error(
        .invalidTensor, exponents, "is \(exponents.shape) of \(exponents.type), expected an exponent for each block")
    }
    return .mxfp4(codes: codes, exponents: exponents)
  }
}
