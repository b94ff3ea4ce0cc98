import PumiceGPU
import PumiceKernels
import PumiceOperators
import PumiceReference
import PumiceTensors
import Testing

/// Mixtures of experts: what a token gets must not depend on the other tokens, and what cannot be is refused.
@Suite(.serialized) struct ExpertTests {
  private func numbers(_ count: Int, _ seed: UInt64) -> [Float] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(Int64(bitPattern: state) >> 40) * 0x1p-23
    }
  }

  /// The bits of y for the first tokens of one long input.
  private func product(tokens: Int, _ variant: String, _ kernels: KernelLibrary) throws -> [UInt32]? {
    let slots = 2
    let op = ExpertMatMul(experts: 5, m: 37, k: 96, tokens: tokens, slots: slots, weight: .f32, inputPerSlot: false)
    let found = try kernels.variant(variant, of: op)
    func buffer(_ name: String, _ values: [some BitwiseCopyable]) throws -> BufferSlice {
      let buffer = try kernels.device.makeBuffer(
        byteCount: op.argument(name).storageBytes, memory: .device, label: name)
      if !values.isEmpty { try buffer.write(values) }
      return buffer.whole
    }
    let slices = try [
      "weight": buffer("weight", numbers(5 * 37 * 96, 1)),
      "x": buffer("x", Array(numbers(40 * 96, 2).prefix(tokens * 96))),
      "experts": buffer("experts", (0..<tokens * slots).map { Int32($0 * $0 % 7 % 5) }), "y": buffer("y", [Float]()),
    ]
    let list = try kernels.device.makeCommandList(label: op.description)
    try kernels.record(op, slices, into: list, variant: found)
    try list.run()
    return try slices["y"]!.buffer.read(UInt32.self, count: tokens * slots * op.m)
  }

  @Test func tokensAreIndependent() throws {
    let kernels = KernelLibrary(device: try Device.open())
    for variant in ExpertMatMul.variants where variant.unavailable(on: kernels.device.info) == nil {
      let most = try #require(try product(tokens: 40, variant.name, kernels))
      #expect(Set(most).count > most.count / 2, "\(variant.name) gives numbers")
      for tokens in [1, 2, 9, 17] {
        let fewer = try product(tokens: tokens, variant.name, kernels)
        #expect(fewer == Array(most.prefix(tokens * 2 * 37)), "\(variant.name), \(tokens) tokens")
      }
    }
  }

  /// Decoding and prompts take different variants on CPUs, whose sums have one order.
  @Test func aLaneHasTheSameBitsInATile() throws {
    let kernels = KernelLibrary(device: try Device.open())
    let needed = ExpertMatMul.variants.filter { $0.name.hasPrefix("thread_per_row") }
    guard needed.allSatisfy({ $0.unavailable(on: kernels.device.info) == nil }) else { return }
    let alone = try product(tokens: 40, "thread_per_row", kernels)
    #expect(try alone == product(tokens: 40, "thread_per_row_tiles", kernels))
  }

  @Test func impossibleChoicesAreRefused() {
    func routing(_ change: (inout ExpertRouting) -> Void) -> ExpertRouting {
      var op = ExpertRouting(tokens: 1, experts: 8, chosen: 2, scoring: .sigmoid)
      change(&op)
      return op
    }
    #expect(throws: Never.self) { try routing { $0.groups = .init(count: 4, chosen: 1) }.validate() }
    let wrong: [(inout ExpertRouting) -> Void] = [
      { $0.chosen = 9 }, { $0.chosen = 0 }, { $0.scale = .infinity }, { $0.groups = .init(count: 3, chosen: 1) },
      { $0.groups = .init(count: 8, chosen: 2) }, { $0.groups = .init(count: 4, chosen: 5) },
      { ($0.groups, $0.chosen) = (.init(count: 4, chosen: 1), 3) },
      { ($0.scoring, $0.bias) = (.softmaxOfChosen, true) },
    ]
    for change in wrong { #expect(throws: OperatorError.self) { try routing(change).validate() } }
    let product = ExpertMatMul(experts: 2, m: 3, k: 33, tokens: 1, slots: 1, weight: .q8_0, inputPerSlot: true)
    #expect(throws: OperatorError.self) { try product.validate() }
    #expect(throws: OperatorError.self) { try ExpertSum(tokens: 1, slots: 0, width: 1).validate() }
  }

  /// Small numbers by hand: two groups of two experts, of which the bias makes the second group the better one.
  @Test func groupsAndBiasDecideTheChoiceAlone() {
    let op = ExpertRouting(
      tokens: 1, experts: 4, chosen: 2, scoring: .sigmoid, groups: .init(count: 2, chosen: 1), bias: true,
      normalizes: true, scale: 2)
    let result = op.evaluate(["logits": [2, 1, 0, 0], "bias": [0, 0, 1, 1]])
    #expect(result["experts"] == [2, 3])
    #expect(result["weights"] == [1, 1])
  }
}
