import PumiceGPU
import PumiceKernels
import PumiceOperators
import PumiceReference
import PumiceShaders
import PumiceTensors
import Testing

@testable import PumiceVerification

/// What the cases of `KVAppend` find in wrong shaders, and words that several threads write.
@Suite struct KVAppendTests {
  private func verdict(_ op: KVAppend, _ overrides: [String: String] = [:]) throws -> String? {
    let library = KernelLibrary(device: try Device.open(), overrides: overrides)
    let prepared = Verifier.Prepared(VerificationCase(op, data: .normal, seed: 1))
    switch try Verifier(kernels: library).run(prepared, variant: library.choose(op)) {
    case .passed: return nil
    case .failed(let message): return message
    case .refused(let reason): return "refused: \(reason)"
    }
  }

  /// All cells of a cache at once, so that every word that two rows share is written by two threads.
  private static let crowded = [("q4_0", 32), ("q8_0", 96), ("g4:row", 64), ("nf3:16:bf16", 32), ("q5_0", 32)].map {
    KVAppend(
      sequences: 2, tokens: 63, kvHeads: 3, keySize: $1, capacity: 63, keyFormat: TensorFormat(name: $0)!,
      valueFormat: .f32)
  }

  @Test(arguments: crowded) func neighboursShareWords(_ op: KVAppend) throws {
    for _ in 0..<10 { #expect(try verdict(op) == nil) }
  }

  /// With one cell the scales of neighbouring heads share words, and threads of one subgroup write them.
  @Test func halvesMustBeWrittenAtOnce() throws {
    let op = KVAppend(
      tokens: 1, kvHeads: 9, keySize: 32, capacity: 1, keyFormat: TensorFormat(name: "g4:row")!, valueFormat: .f32)
    #expect(try verdict(op) == nil)
    let path = "KVAppend/kv_append.comp"
    var text = try ShaderLibrary.text(path)
    let atomics = "  atomicAnd(cache.v[i / 2], others);\n  atomicOr(cache.v[i / 2], bits);"
    text.replaceSubrange(
      try #require(text.firstRange(of: atomics)), with: "cache.v[i / 2] = cache.v[i / 2] & others | bits;")
    #expect(try verdict(op, [path: text]) != nil)
  }

  static let mistakes: [(file: String, passage: String, replacement: String)] = [
    ("encoding.glsl", "roundEven(", "floor("),
    ("encoding.glsl", "min(rounded & 0x7fffu, 0x7bffu)", "min((rounded & 0x7fffu) + 2u, 0x7bffu)"),
    ("encoding.glsl", "= float16_bits(bits);", "= float16_bits(bits & 0xffffe000u);"),
    ("blocks.glsl", "code_of(e + 16) % 16 << 4 | code_of(e + 17) % 16 << 12", "code_of(e + 17) % 16 << 4"),
    ("kv_append.comp", "(sequence * part_heads + part_head) * capacity", "(sequence * part_heads) * capacity"),
    ("kv_append.comp", "+ cell, unit);", "+ (cell + 1) % capacity, unit);"),
    ("kv_append.comp", "key_positions.v[(sequence * kv_heads + head) * capacity + cell]", "key_positions.v[cell]"),
  ]

  @Test(arguments: mistakes) func mistakesAreFound(_ file: String, _ passage: String, _ replacement: String) throws {
    let path = "KVAppend/\(file)"
    var text = try ShaderLibrary.text(path)
    text.replaceSubrange(try #require(text.firstRange(of: passage)), with: replacement)
    let op = KVAppend(tokens: 9, kvHeads: 2, keySize: 64, capacity: 8, keyFormat: .q4_0)
    #expect(try verdict(op) == nil)
    #expect(try verdict(op, [path: text]) != nil)
  }
}
