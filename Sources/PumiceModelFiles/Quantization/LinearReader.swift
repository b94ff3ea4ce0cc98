import PumiceTensors

extension SafetensorsFile {
  /// The tensors of the linear layer or embedding of that name.
  ///
  /// A layer is quantized if it has the tensors that the method gives to quantized layers, and plain otherwise.
  ///
  /// - Parameters:
  ///   - name: `model.layers.0.mlp.down_proj`.
  ///   - quantization: what the model's configuration says; nil if it is not quantized.
  ///   - experts: how many layers of the same shape each tensor has, one after the other along a dimension of its own; nil
  ///     for one. The rows of the result are those of all of them. Only for MLX's layout.
  /// - Throws: `missingTensor`; `invalidTensor` for shapes that do not fit each other, a group that does not divide the
  ///   inputs, scales that are NaN or infinite, groups that do not exist; `unsupportedFormat` for element types.
  public func linear(
    named name: String, quantization: QuantizationConfig?, experts: Int? = nil
  ) throws(ModelFileError) -> LinearTensors {
    let reader = LinearReader(file: self, name: name, experts: experts)
    switch quantization {
    // A plain layer's weight is numbers; codes are words.
    case .mlx(let mlx) where tensor(named: "\(name).weight")?.type == .u32: return try reader.mlx(mlx)
    case .gptq(let gptq) where tensor(named: "\(name).qweight") != nil: return try reader.gptq(gptq)
    case .awq(let awq) where tensor(named: "\(name).qweight") != nil: return try reader.awq(awq)
    default: return try reader.plain()
    }
  }
}

/// Reads one layer.
private struct LinearReader {
  let file: SafetensorsFile
  let name: String
  /// How many layers the tensors have, with a dimension for them; nil for one without.
  let experts: Int?

  private func required(_ part: String) throws(ModelFileError) -> SafetensorsTensor {
    try file.requiredTensor(named: "\(name).\(part)")
  }

  private func invalid(_ tensor: SafetensorsTensor, _ detail: String) -> ModelFileError {
    file.error(.invalidTensor, tensor, detail)
  }

  /// A tensor of one of these types.
  private func part(_ part: String, _ types: [SafetensorsType]) throws(ModelFileError) -> SafetensorsTensor {
    let tensor = try required(part)
    guard types.contains(tensor.type) else {
      let names = types.map(\.rawValue).joined(separator: ", ")
      throw file.error(.unsupportedFormat, tensor, "its type \(tensor.type) is not read, only \(names)")
    }
    return tensor
  }

  /// The shape of a tensor, of several layers that of all their rows.
  private func shape(_ tensor: SafetensorsTensor) -> Shape {
    guard let experts, tensor.shape.rank == 3, tensor.shape[0] == experts else { return tensor.shape }
    return [experts * tensor.shape[1], tensor.shape[2]]
  }

  private func matrix(_ name: String, _ types: [SafetensorsType]) throws(ModelFileError) -> SafetensorsTensor {
    let tensor = try part(name, types)
    guard shape(tensor).rank == 2, experts == nil || tensor.shape.rank == 3,
      tensor.shape.dimensions.allSatisfy({ $0 > 0 })
    else {
      let wanted = experts.map { "matrices of \($0) experts" } ?? "a matrix"
      throw invalid(tensor, "has the shape \(tensor.shape), expected \(wanted)")
    }
    return tensor
  }

  private func check(_ tensor: SafetensorsTensor, _ shape: Shape, for codes: SafetensorsTensor) throws(ModelFileError) {
    guard self.shape(tensor) == shape else {
      throw invalid(tensor, "has the shape \(tensor.shape), expected \(shape) for \(codes.name) of \(codes.shape)")
    }
  }

  private func bias(outputs: Int, for weight: SafetensorsTensor) throws(ModelFileError) -> SafetensorsTensor? {
    guard file.tensor(named: "\(name).bias") != nil else { return nil }
    let tensor = try part("bias", [.f16, .bf16, .f32])
    try check(tensor, [outputs], for: weight)
    return tensor
  }

  func plain() throws(ModelFileError) -> LinearTensors {
    if file.tensor(named: "\(name).weight") == nil, let codes = file.tensor(named: "\(name).qweight") {
      throw file.error(.unsupportedQuantization, codes, "is quantized, but the configuration does not say so")
    }
    let weight = try matrix("weight", [.f16, .bf16, .f32])
    return LinearTensors(
      name: name, outputs: weight.shape[0], inputs: weight.shape[1], storage: .plain(weight: weight),
      bias: try bias(outputs: weight.shape[0], for: weight))
  }

  // MARK: Quantized layers

  /// Elements of a dimension of packed codes.
  ///
  /// - Returns: words · 32 / bits, a multiple of 32.
  private func unpacked(_ words: Int, bits: Int, of codes: SafetensorsTensor) throws(ModelFileError) -> Int {
    guard words % bits == 0, case let (count, overflow) = (words / bits).multipliedReportingOverflow(by: 32), !overflow
    else { throw invalid(codes, "\(words) words hold no whole number of 32 codes of \(bits) bits") }
    return count
  }

  private func groups(of inputs: Int, _ group: Int?, _ codes: SafetensorsTensor) throws(ModelFileError) -> Int {
    guard let group else { return 1 }
    guard inputs % group == 0 else { throw invalid(codes, "groups of \(group) do not divide its \(inputs) inputs") }
    return inputs / group
  }

  func mlx(_ config: MLXQuantization) throws(ModelFileError) -> LinearTensors {
    let codes = try matrix("weight", [.u32])
    guard let scheme = config.scheme(of: name) else {
      throw invalid(codes, "is quantized, but the configuration says that it is not")
    }
    if let format = scheme.format { return try sections(format, codes) }
    let outputs = shape(codes)[0]
    let inputs = try unpacked(shape(codes)[1], bits: scheme.bits, of: codes)
    let groups = try groups(of: inputs, scheme.group, codes)
    let scales = try part("scales", [.f16, .bf16, .f32])
    try check(scales, [outputs, groups], for: codes)
    try file.checkFinite(scales)
    var biases: SafetensorsTensor?
    if !scheme.isSymmetric {
      let tensor = try part("biases", [scales.type])
      try check(tensor, [outputs, groups], for: codes)
      try file.checkFinite(tensor)
      biases = tensor
    }
    return LinearTensors(
      name: name, outputs: outputs, inputs: inputs,
      storage: .mlx(MLXTensors(codes: codes, scales: scales, biases: biases, scheme: scheme)),
      bias: try bias(outputs: outputs, for: codes))
  }

  /// A layer of Pumice's extension, whose format has these codes.
  private func sections(_ format: TensorFormat, _ codes: SafetensorsTensor) throws(ModelFileError) -> LinearTensors {
    guard let layout = format.codeLayout else {
      throw file.error(.unsupportedQuantization, codes, "the format \(format) is not read from safetensors")
    }
    let outputs = shape(codes)[0]
    let elements = try unpacked(shape(codes)[1], bits: layout.bits, of: codes)
    let (inputs, overflow) = elements.multipliedReportingOverflow(by: layout.elements)
    guard !overflow, let wanted = format.sectionTensors(rows: outputs, columns: inputs) else {
      throw invalid(codes, "\(outputs)×\(inputs) elements do not fit the format \(format)")
    }
    var tensors = [codes]
    for section in wanted.dropFirst() {
      let tensor = try part(section.suffix, [section.type])
      try check(tensor, section.shape, for: codes)
      if [.f16, .bf16, .f32].contains(section.type) { try file.checkFinite(tensor) }
      tensors.append(tensor)
    }
    return LinearTensors(
      name: name, outputs: outputs, inputs: inputs, storage: .sections(format, tensors),
      bias: try bias(outputs: outputs, for: codes))
  }

  func gptq(_ config: GPTQQuantization) throws(ModelFileError) -> LinearTensors {
    let codes = try matrix("qweight", [.i32, .u32])
    let outputs = codes.shape[1], bits = config.bits
    let inputs = try unpacked(codes.shape[0], bits: bits, of: codes)
    let groups = try groups(of: inputs, config.group, codes)
    guard outputs <= .max / bits, outputs * bits % 32 == 0 else {
      throw invalid(codes, "the zero points of its \(outputs) outputs are no whole number of words")
    }
    let (zeros, scales) = try zerosAndScales(codes, outputs: outputs, groups: groups, zeroWords: outputs * bits / 32)
    var order: SafetensorsTensor?
    if config.isOrdered || file.tensor(named: "\(name).g_idx") != nil {
      let tensor = try part("g_idx", [.i32])
      try check(tensor, [inputs], for: codes)
      if try !areNeighbours(tensor, groups: groups, of: config.group ?? inputs) { order = tensor }
    }
    return LinearTensors(
      name: name, outputs: outputs, inputs: inputs,
      storage: .gptq(
        GPTQTensors(
          codes: codes, zeros: zeros, scales: scales, groups: order, bits: bits, group: config.group,
          zeroOffset: config.zeroOffset)),
      bias: try bias(outputs: outputs, for: codes))
  }

  func awq(_ config: AWQQuantization) throws(ModelFileError) -> LinearTensors {
    let codes = try matrix("qweight", [.i32, .u32])
    let inputs = codes.shape[0]
    let (outputs, overflow) = codes.shape[1].multipliedReportingOverflow(by: 32 / config.bits)
    guard !overflow, inputs % 32 == 0 else {
      throw invalid(codes, "its \(inputs) inputs are no multiple of 32")
    }
    let groups = try groups(of: inputs, config.group, codes)
    let (zeros, scales) = try zerosAndScales(codes, outputs: outputs, groups: groups, zeroWords: codes.shape[1])
    return LinearTensors(
      name: name, outputs: outputs, inputs: inputs,
      storage: .awq(AWQTensors(codes: codes, zeros: zeros, scales: scales, group: config.group)),
      bias: try bias(outputs: outputs, for: codes))
  }

  private func zerosAndScales(
    _ codes: SafetensorsTensor, outputs: Int, groups: Int, zeroWords: Int
  ) throws(ModelFileError) -> (zeros: SafetensorsTensor, scales: SafetensorsTensor) {
    let zeros = try part("qzeros", [.i32, .u32])
    try check(zeros, [groups, zeroWords], for: codes)
    let scales = try part("scales", [.f16])
    try check(scales, [groups, outputs], for: codes)
    try file.checkFinite(scales)
    return (zeros, scales)
  }

  /// Whether the groups of inputs are neighbours in order, so that nothing needs to be looked up.
  ///
  /// - Throws: `invalidTensor` for a group that does not exist: a device would read past the scales.
  private func areNeighbours(_ order: SafetensorsTensor, groups: Int, of length: Int) throws(ModelFileError) -> Bool {
    var wrong: (input: Int, group: Int32)?
    var areNeighbours = true
    file.withBytes(of: order) { bytes in
      for input in 0..<order.shape[0] {
        let group = Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: input * 4, as: Int32.self))
        if group < 0 || Int(group) >= groups, wrong == nil { wrong = (input, group) }
        if Int(group) != input / length { areNeighbours = false }
      }
    }
    if let wrong {
      throw invalid(order, "the group of input \(wrong.input) is \(wrong.group), but there are \(groups)")
    }
    return areNeighbours
  }
}

extension SafetensorsFile {
  /// Checks that a tensor of F16, BF16 or F32 has no NaN and no infinity.
  ///
  /// - Throws: `invalidTensor` that says where.
  func checkFinite(_ tensor: SafetensorsTensor) throws(ModelFileError) {
    let wrong: Int? = withBytes(of: tensor) { bytes in
      switch tensor.type {
      case .f16: Self.firstAllOnes(bytes, UInt16.self, mask: 0x7C00)
      case .bf16: Self.firstAllOnes(bytes, UInt16.self, mask: 0x7F80)
      case .f32: Self.firstAllOnes(bytes, UInt32.self, mask: 0x7F80_0000)
      default: preconditionFailure("\(tensor.name) is \(tensor.type)")
      }
    }
    guard let wrong else { return }
    let row = wrong / max(1, tensor.shape.rowLength), column = wrong % max(1, tensor.shape.rowLength)
    throw error(.invalidTensor, tensor, "its value in row \(row), column \(column) is NaN or infinite")
  }

  /// The first number whose bits in `mask`, those of the exponent, are all ones.
  private static func firstAllOnes<T: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, _: T.Type, mask: T
  ) -> Int? {
    let size = MemoryLayout<T>.size
    return (0..<bytes.count / size).first { index in
      T(littleEndian: bytes.loadUnaligned(fromByteOffset: index * size, as: T.self)) & mask == mask
    }
  }
}
