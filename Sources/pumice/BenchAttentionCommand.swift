import ArgumentParser
import PumiceOperators
import PumiceTensors
import PumiceVerification

/// `pumice bench attention`.
struct BenchAttentionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attention", abstract: "Measures attention over a cache of keys and values.",
    discussion: """
      The time is that of the attention alone; `--tiles` adds a line for the list of live tiles that it goes by. With several
      densities, or a mask, GFLOP/s still count all keys: compare times.
      """)

  @OptionGroup var bench: BenchArguments

  @Option(help: "Heads of the queries.")
  var heads = 32

  @Option(help: "Heads of keys and values; a divisor of the heads.")
  var kvHeads = 8

  @Option(help: "Elements of a head.")
  var headSize = 128

  @Option(help: "Keys in the cache.")
  var keys = 4096

  @Option(help: "Queries: 1 as for a token, many as for a prompt.")
  var tokens = 1

  @Option(name: .customLong("kv"), help: "Format of the cache: f32, f16, q8_0, q4_0, g3:64, nf4:64, …")
  var cache = TensorFormat.f16

  @Option(
    name: [.customLong("cache-type-v"), .customLong("ctv")], help: "Format of the values, if not that of the keys.")
  var values: TensorFormat?

  @Option(
    help: "What queries see: causal & (sinks(4) | window(256)), …", transform: { try AttentionMask(parsing: $0) })
  var mask: AttentionMask = .causal

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Instead of a mask, blocks of 64 keys chosen at random for each block of 64 queries, so many of all; several to compare.",
      valueName: "share"))
  var density: [Double] = []

  @Flag(help: "Measure the list of live tiles too.")
  var tiles = false

  func validate() throws {
    for share in density where !(share > 0 && share <= 1) {
      throw ValidationError("--density \(share): a share lies above 0, up to 1.")
    }
  }

  func run() throws {
    let masks = density.isEmpty ? [mask] : density.map(scattered)
    var session = try BenchSession(bench)
    for mask in masks {
      let op = Attention(
        tokens: tokens, heads: heads, kvHeads: kvHeads, keySize: headSize, capacity: keys, keyFormat: cache,
        valueFormat: values, mask: mask)
      try op.validate()
      if tiles { try session.run(op.tiles) }
      try session.run(op)
    }
    try session.finish()
  }

  /// Blocks of which every block of queries sees as many, its own among them.
  private func scattered(_ share: Double) -> AttentionMask {
    let size = 64, blocks = (keys + size - 1) / size
    let count = max(1, Int((share * Double(blocks)).rounded()))
    var random = RandomSource(seed: 1)
    return .blocks(
      BlockList(
        size: size,
        (0..<blocks).map { own in
          var chosen: Set<Int> = [own]
          while chosen.count < count { chosen.insert(random.below(blocks)) }
          return chosen.sorted()
        }))
  }
}
