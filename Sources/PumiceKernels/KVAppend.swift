import PumiceGPU
public import PumiceOperators
import PumiceTensors

extension KVAppend: Dispatchable {
  private static let threads = 64

  public static let variants: [Variant<KVAppend>] = [
    Variant(
      "thread_per_scale",
      summary:
        "One thread for the elements under one scale, at least 32, or for two plain numbers; nothing is shared but "
        + "words that two of them have a half of.",
      shaders: ["KVAppend/kv_append.comp"], needs: [.workgroup(threads)],
      refusal: { op, device in
        for part in op.targets {
          let (x, y) = (groups(op.writtenHeads.count * part.units, of: threads), op.sequences * op.tokens)
          let limit = device.maxWorkgroupCount
          guard x <= limit[0], y <= limit[1] else {
            return "needs \(x)×\(y) workgroups, the device allows \(limit[0])×\(limit[1])"
          }
        }
        return nil
      },
      // The numbers of a unit are read for the scale, for the codes, and once more for the fifth bits of codes.
      loopIterations: { op, _ in 3 * (op.targets.map(\.unit).max()! + 32) }
    ) { op, _ in
      let targets = op.targets
      return Plan(op.isOneDispatch ? [op.step(targets[0], with: targets[1])] : targets.map { op.step($0) })
    }
  ]

  /// The appending to one of the caches.
  private struct Target {
    let source: String
    let cache: String
    let format: TensorFormat
    let size: Int
    /// Elements for one thread.
    let unit: Int

    init(_ source: String, _ cache: String, _ format: TensorFormat, _ size: Int) {
      (self.source, self.cache, self.format, self.size) = (source, cache, format, size)
      unit = CacheEncoding(format, rowLength: size).map { max(32, $0.length) } ?? 2
    }

    /// Threads for a row.
    var units: Int { size / unit }
  }

  private var targets: [Target] {
    [Target("keys", "key_cache", keyFormat, keySize), Target("values", "value_cache", valueFormat, valueSize)]
  }

  /// Whether one dispatch writes both caches: for a few tokens most of the time is that of the dispatch itself, for many it is
  /// that of every thread's choice between the caches.
  private var isOneDispatch: Bool {
    keyFormat == valueFormat && keySize == valueSize && sequences * tokens <= 16
  }

  private func step(_ target: Target, with other: Target? = nil) -> Step {
    var defines = target.format.weightDefines(["UNIT": "\(target.unit)"])
    if let encoding = CacheEncoding(target.format, rowLength: target.size) {
      defines.merge(encoding.defines) { _, new in new }
    }
    var bindings: [Step.Binding] = [.argument(target.source), .argument("cells"), .argument(target.cache)]
    if target.source == "keys" {
      defines["KEYS"] = ""
      bindings += [.argument("positions"), .argument("key_positions")]
    }
    if let other {
      defines["BOTH"] = ""
      bindings += [.argument(other.source), .argument(other.cache)]
    }
    return Step(
      "KVAppend/kv_append.comp", defines: defines, specialization: [UInt32(Self.threads)], bindings: bindings,
      constants: [
        "tokens": UInt32(tokens), "kv_heads": UInt32(kvHeads), "first_head": UInt32(writtenHeads.lowerBound),
        "part_heads": UInt32(writtenHeads.count), "size": UInt32(target.size), "capacity": UInt32(capacity),
        "rows": UInt32(sequences * writtenHeads.count * capacity),
      ],
      groups: (groups(writtenHeads.count * target.units, of: Self.threads), sequences * tokens, other == nil ? 1 : 2))
  }
}

extension CacheEncoding {
  /// The macros of `KVAppend/encoding.glsl`.
  fileprivate var defines: [String: String] {
    var defines = ["SCALE_LENGTH": "\(length)", "SCALE_DIVISOR": "\(scale.divisor).0"]
    switch scale {
    case .extreme: defines["SCALE_EXTREME"] = ""
    case .magnitude: defines["SCALE_MAGNITUDE"] = ""
    case .range: defines["SCALE_RANGE"] = ""
    }
    defines["NUMBER_\(number.rawValue.uppercased())"] = ""
    let isEven = zip(levels, levels.dropFirst()).allSatisfy { $1 - $0 == 1 }
    if isEven {
      defines["LEAST_LEVEL"] = "\(levels.first!)"
      defines["LAST_LEVEL"] = "\(levels.last!)"
    } else {
      let boundaries = zip(levels, levels.dropFirst()).map { "\(($0 + $1) / 2)" }
      defines["BOUNDARIES"] = "\(boundaries.count)"
      defines["BOUNDARY_LIST"] = boundaries.joined(separator: ", ")
    }
    return defines
  }
}
