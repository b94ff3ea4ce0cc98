import PumiceGPU
import PumiceKernels
import PumiceOperators
import PumiceReference
import PumiceTensors
import PumiceVerification

/// Attention of one sequence over a cache of f32, whose cells are the same in every key-value head.
struct AttentionRun {
  var op: Attention
  var q: [Float], k: [Float], v: [Float]
  var positions: [Int32], keyPositions: [Int32]

  /// Random numbers; cell j holds position j, and the queries are the last tokens.
  init(_ op: Attention, seed: UInt64) {
    self.op = op
    var random = RandomSource(seed: seed)
    func numbers(_ name: String) -> [Float] { (0..<op.argument(name).shape.count).map { _ in Float(random.normal()) } }
    q = numbers("q")
    k = numbers("k")
    v = numbers("v")
    positions = (0..<op.tokens).map { Int32(op.keys - op.tokens + $0) }
    keyPositions = (0..<op.capacity).map { Int32($0) }
  }

  func under(_ mask: AttentionMask) -> AttentionRun {
    var run = self
    run.op.mask = mask
    return run
  }

  /// Rows of the output, tokens × heads, as sums that merge.
  struct Result {
    var bits: [UInt32]
    var rows: [SoftmaxSum]
    /// The probabilities of the last token, heads × capacity, where they are an output.
    var lastRow: [Double]
  }

  /// On the device.
  func result(_ variant: Variant<Attention>, _ kernels: KernelLibrary) throws -> Result {
    let slices = try op.run(
      q: q, k: k, v: v, positions: positions, cells: (0..<op.kvHeads).flatMap { _ in keyPositions }, variant, kernels)
    func read(_ name: String) throws -> [Double] {
      try slices[name]!.buffer.read(Float.self, count: op.argument(name).shape.count).map { Double($0) }
    }
    let y = try read("y"), sums = try read("log_sum_exp")
    return Result(
      bits: try slices["y"]!.buffer.read(UInt32.self, count: y.count), rows: rows(y, sums),
      lastRow: op.outputs.contains(.lastRow) ? try read("last_row") : [])
  }

  /// By the definition.
  func evaluated() -> [SoftmaxSum] {
    func doubles<T: BinaryInteger>(_ values: [T]) -> [Double] { values.map { Double($0) } }
    let outputs = op.evaluate([
      "q": q.map { Double($0) }, "k": k.map { Double($0) }, "v": v.map { Double($0) }, "positions": doubles(positions),
      "key_positions": (0..<op.kvHeads).flatMap { _ in doubles(keyPositions) },
      "lengths": Array(repeating: Double(op.keys), count: op.kvHeads), "totals": [Double(op.keys)],
    ])
    return rows(outputs["y"]!, outputs["log_sum_exp"]!)
  }

  private func rows(_ y: [Double], _ sums: [Double]) -> [SoftmaxSum] {
    sums.indices.map { row in
      SoftmaxSum(normalized: Array(y[row * op.valueSize..<(row + 1) * op.valueSize]), logSumExp: sums[row])
    }
  }
}

extension Attention {
  /// Lists the tiles and attends, all keys in use; gives the arguments with what the outputs then hold.
  ///
  /// - Parameter cells: the positions of all cells.
  func run<Number: BitwiseCopyable>(
    q: [Float], k: [Number], v: [Number], positions: [Int32], cells: [Int32], _ variant: Variant<Attention>,
    _ kernels: KernelLibrary
  ) throws -> [String: BufferSlice] {
    var slices: [String: BufferSlice] = [:]
    for argument in arguments {
      slices[argument.name] = try kernels.device.makeBuffer(byteCount: argument.storageBytes, label: argument.name)
        .whole
    }
    try slices["q"]!.buffer.write(q)
    try slices["k"]!.buffer.write(k)
    try slices["v"]!.buffer.write(v)
    try slices["positions"]!.buffer.write(positions)
    try slices["key_positions"]!.buffer.write(cells)
    try slices["lengths"]!.buffer.write(Array(repeating: Int32(keys), count: sequences * kvHeads))
    try slices["totals"]!.buffer.write(Array(repeating: Int32(keys), count: sequences))
    try slices["mask"]!.buffer.write(mask.parameters(heads: heads))
    let list = try kernels.device.makeCommandList(label: "attention")
    var places: [String: BufferSlice] = ["counts": slices["tile_counts"]!, "list": slices["tile_list"]!]
    for argument in tiles.arguments where argument.role == .input { places[argument.name] = slices[argument.name] }
    try kernels.record(tiles, places, into: list)
    try kernels.record(self, slices, into: list, variant: variant)
    try list.run()
    return slices
  }
}

/// The largest difference of any element or log-sum-exp of two results; infinite where one sees nothing and the other does.
func difference(_ a: [SoftmaxSum], _ b: [SoftmaxSum]) -> Double {
  zip(a, b).map { a, b in
    if a.logSumExp == -.infinity || b.logSumExp == -.infinity { return a.logSumExp == b.logSumExp ? 0 : .infinity }
    return zip(a.normalized, b.normalized).map { abs($0 - $1) }.max()! + abs(a.logSumExp - b.logSumExp)
  }.max() ?? .infinity
}
