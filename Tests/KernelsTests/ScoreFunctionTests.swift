import PumiceGPU
import PumiceKernels
import PumiceOperators
import PumiceTensors
import Testing

/// Score functions of the user's that make no numbers.
@Suite(.serialized) struct ScoreFunctionTests {
  private func attention(_ function: ScoreFunction, tokens: Int = 2, mask: AttentionMask = .causal) -> Attention {
    Attention(
      tokens: tokens, heads: 2, kvHeads: 1, keySize: 8, capacity: 40, keyFormat: .f32, mask: mask,
      modifications: [.softCap(40), .user(function)])
  }

  @Test func functionsThatMakeNoNumbersAreRefused() throws {
    let logarithm = ScoreFunction("logarithm", glsl: "log(score)") { score, _, _, _ in
      score < 0 ? .nan : score == 0 ? -.infinity : score
    }
    let error = #expect(throws: OperatorError.self) { try attention(logarithm).validate() }
    #expect(
      error?.description.contains("the function “logarithm” makes no number (NaN) of the score -") == true,
      "\(String(describing: error))")
    #expect(error?.description.hasSuffix("of head 0, query 0, key 0") == true, "\(String(describing: error))")
    let pole = ScoreFunction("pole", glsl: "score + 1.0 / float(query - key)") { score, _, query, key in
      score + 1 / Double(query - key)
    }
    #expect(throws: OperatorError.self) { try attention(pole).validate() }
    // What the mask hides does not count, and −∞ hides a key.
    try attention(pole, mask: .causal & !.slash([0])).validate()
    let hiding = ScoreFunction("hiding", glsl: "score") { score, _, query, key in key % 2 == 1 ? -.infinity : score }
    try attention(hiding).validate()
  }

  /// Where the GLSL does what the Swift does not, the result says so.
  @Test(arguments: [1, 2]) func theDevicesNaNIsAnErrorThatNamesTheFunction(_ tokens: Int) throws {
    let kernels = KernelLibrary(device: try Device.open())
    func run(_ glsl: String, q: Float = 1) throws -> [String: [Float]] {
      let op = attention(ScoreFunction("mine", glsl: glsl) { score, _, _, _ in score }, tokens: tokens)
      let places: [String: [Float]] = [
        "positions": (0..<tokens).map { Float(40 - tokens + $0) }, "key_positions": (0..<40).map(Float.init),
        "lengths": [40], "totals": [40], "mask": [0],
      ]
      let tiles = try kernels.run(op.tiles, inputs: places)
      var inputs = places.merging(["tile_counts": tiles["counts"]!, "tile_list": tiles["list"]!]) { $1 }
      for (name, value) in [("q", q), ("k", 1), ("v", 1)] as [(String, Float)] {
        inputs[name] = Array(repeating: value, count: op.argument(name).shape.count)
      }
      return try kernels.run(op, inputs: inputs, stored: ["score": ScoreProgram(op.modifications).words.flatMap(bytes)])
    }
    let error = #expect(throws: KernelError.self) { _ = try run("sqrt(-1.0 - abs(score))") }
    guard case .notANumber(_, let function, let argument, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(function == "mine" && argument == "y")
    #expect(try run("score")["y"]!.allSatisfy { abs($0 - 1) < 1e-5 })
    // A NaN among the operands is not the function's.
    #expect(throws: Never.self) { _ = try run("score", q: .nan) }
  }

  private func bytes(_ word: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
}
