import PumiceGPU
import PumiceKernels
import PumiceOperators
import PumiceReference
import PumiceTensors
import PumiceVerification
import Testing

/// A quantized weight with a low-rank pair and a sparse part, as LQ-LoRA, LoSparse and SLTrain leave it: the product of the
/// parts is that of the matrix which they make up.
@Suite(.serialized) struct WeightAdditionTests {
  private let m = 37, n = 3, k = 128, rank = 5, count = 200

  /// The parts as stored, and decoded.
  private struct Parts {
    var bytes: [String: [UInt8]] = [:]
    var values: [String: [Double]] = [:]
  }

  private func parts(_ weight: TensorFormat) -> Parts {
    var random = RandomSource(seed: 11)
    var parts = Parts()
    func add(_ name: String, _ shape: Shape, _ format: TensorFormat, _ made: [UInt8]? = nil) {
      parts.bytes[name] = made ?? DataKind.normal.bytes(shape, format, &random)
      parts.values[name] = format.decode(parts.bytes[name]!, shape)
    }
    func integers(_ values: [Int]) -> [UInt8] {
      values.flatMap { value in withUnsafeBytes(of: Int32(value)) { Array($0) } }
    }
    add("weight", [m, k], weight)
    add("a", [rank, k], .f16)
    add("b", [m, rank], .f16)
    add("values", [count], .f16)
    let cuts = (0..<m - 1).map { _ in random.below(count + 1) }.sorted()
    add("starts", [m + 1], .i32, integers([0] + cuts + [count]))
    add("columns", [count], .i32, integers((0..<count).map { _ in random.below(k) }))
    add("x", [n, k], .f32)
    return parts
  }

  @Test(arguments: ["q4_0", "g3:64:asym", "nf4:64"]) func partsAndTheirSumAgree(_ name: String) throws {
    let weight = TensorFormat(name: name)!
    let parts = parts(weight), v = parts.values
    let kernels = KernelLibrary(device: try Device.open())
    let product = MatMul(m: m, n: n, k: k, weight: weight)
    let inner = MatMul(m: rank, n: n, k: k, weight: .f16)
    let outer = MatMul(m: m, n: n, k: rank, weight: .f16, accumulates: true)
    let sparse = SparseMatMul(layout: .csr, m: m, n: n, k: k, count: count, values: .f16)

    var buffers: [String: BufferSlice] = [:]
    for (name, bytes) in parts.bytes {
      let buffer = try kernels.device.makeBuffer(byteCount: (bytes.count + 15) & ~15, label: name)
      try buffer.write(bytes)
      buffers[name] = buffer.whole
    }
    for (name, size) in [("z", n * rank), ("y", n * m)] {
      buffers[name] = try kernels.device.makeBuffer(byteCount: 4 * size + 16, label: name).whole
    }
    func bound(_ names: [String: String]) -> [String: BufferSlice] { names.mapValues { buffers[$0]! } }
    let list = try kernels.device.makeCommandList(label: "a weight in parts")
    try kernels.record(product, bound(["weight": "weight", "x": "x", "y": "y"]), into: list)
    try kernels.record(inner, bound(["weight": "a", "x": "x", "y": "z"]), into: list)
    try kernels.record(outer, bound(["weight": "b", "x": "z", "y": "y"]), into: list)
    try kernels.record(
      sparse, bound(["values": "values", "starts": "starts", "columns": "columns", "x": "x", "y": "y"]), into: list)
    try list.run()
    let found = try buffers["y"]!.buffer.read(Float.self, count: n * m)

    // The bounds of the steps add up; that of the inner product passes through the outer factor.
    func evaluate(_ op: some Definition, _ inputs: [String: [Double]]) -> Evaluated {
      op.evaluate(inputs, rounding: .f32, elements: .all)["y"]!
    }
    let first = evaluate(product, ["weight": v["weight"]!, "x": v["x"]!])
    let z = evaluate(inner, ["weight": v["a"]!, "x": v["x"]!])
    let second = evaluate(outer, ["weight": v["b"]!, "x": z.values, "y": first.values])
    let third = evaluate(
      sparse,
      ["values": v["values"]!, "starts": v["starts"]!, "columns": v["columns"]!, "x": v["x"]!, "y": second.values])

    var whole = v["weight"]!
    for i in 0..<m {
      for l in 0..<k { for r in 0..<rank { whole[i * k + l] += v["b"]![i * rank + r] * v["a"]![r * k + l] } }
      for p in Int(v["starts"]![i])..<Int(v["starts"]![i + 1]) {
        whole[i * k + Int(v["columns"]![p])] += v["values"]![p]
      }
    }
    var noticed = 0
    for j in 0..<n {
      for i in 0..<m {
        let at = j * m + i
        let expected = (0..<k).reduce(0) { $0 + whole[i * k + $1] * v["x"]![j * k + $1] }
        let passed = (0..<rank).reduce(0) { $0 + abs(v["b"]![i * rank + $1]) * z.bounds[j * rank + $1] }
        let bound = first.bounds[at] + passed + second.bounds[at] + third.bounds[at]
        #expect(abs(Double(found[at]) - expected) <= bound, "y[\(j), \(i)]")
        if abs(expected - first.values[at]) > bound { noticed += 1 }
      }
    }
    #expect(noticed >= n * m * 9 / 10, "the bounds would not notice that the additions are missing")
  }
}
