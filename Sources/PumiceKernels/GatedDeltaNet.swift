import PumiceGPU
public import PumiceOperators
import PumiceTensors

extension GatedDeltaNet: Dispatchable {
  /// Elements of a key in one iteration of the inner loops.
  private static let run = 8
  private static let threads = 64

  public static let variants = [
    Variant<GatedDeltaNet>(
      "thread_per_channel", summary: "Decays first; then one thread per element of a value walks through its states.",
      shaders: ["GatedDeltaNet/decay.comp", "GatedDeltaNet/gated_delta_net.comp"], needs: [.workgroup(threads)],
      refusal: { op, device in
        let columns = groups(max(op.stepsPerToken, op.heads * op.headSize), of: threads)
        let most = device.maxWorkgroupCount
        return columns <= most[0] && op.tokens <= most[1]
          ? nil : "needs \(columns)×\(op.tokens) workgroups, the device allows \(most[0])×\(most[1])"
      },
      loopIterations: { op, _ in op.tokens * 2 * (groups(op.keySize, of: run) + 1) }
    ) { op, _ in op.plan }
  ]

  private var stepsPerToken: Int { heads * (decayPerKey ? keySize : 1) }

  private var plan: Plan {
    var defines = decayPerKey ? ["DECAY_PER_KEY": ""] : [:]
    let decay = Step(
      "GatedDeltaNet/decay.comp", defines: defines, specialization: [UInt32(Self.threads)],
      bindings: [.argument("dt"), .argument("a"), .scratch(0, .write)],
      constants: ["heads": UInt32(heads), "key_size": UInt32(keySize)],
      groups: (groups(stepsPerToken, of: Self.threads), tokens, 1))
    defines["RUN"] = String(Self.run)
    if tilesKeys { defines["TILES_KEYS"] = "" }
    let scan = Step(
      "GatedDeltaNet/gated_delta_net.comp", defines: defines, specialization: [UInt32(Self.threads)],
      bindings: [
        .argument("q"), .argument("k"), .argument("v"), .scratch(0, .read), .argument("beta"), .argument("state"),
        .argument("y"),
      ],
      constants: [
        "tokens": UInt32(tokens), "heads": UInt32(heads), "head_size": UInt32(headSize),
        "key_heads": UInt32(keyHeads), "key_size": UInt32(keySize),
      ], groups: (groups(heads * headSize, of: Self.threads), 1, 1))
    return Plan([decay, scan], scratch: [4 * tokens * stepsPerToken])
  }
}
