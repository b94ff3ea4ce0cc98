public import PumiceGPU
public import PumiceOperators

extension PackBitPlanes: Dispatchable {
  public static let variants: [Variant<PackBitPlanes>] =
    [ballot]
    + RowReduction.variants("PackBitPlanes/pack_bit_planes.comp", size: { ($0.rows, BitPlanes.words($0.width)) }) {
      op in
      op.step("PackBitPlanes/pack_bit_planes.comp")
    }

  private static let ballot = Variant<PackBitPlanes>(
    "ballot", summary: "One subgroup per row, a lane per code; a ballot makes the words. Good on GPUs.",
    shaders: ["PackBitPlanes/pack_bit_planes_ballot.comp"],
    needs: [.subgroup(.ballot), .fixedSubgroupSize, .maxSubgroupSize(128)],
    refusal: { op, device in
      op.rows <= device.maxWorkgroupCount[0]
        ? nil : "\(op.rows) rows are more workgroups than the device's \(device.maxWorkgroupCount[0])"
    },
    loopIterations: { op, device in groups(op.width, of: max(32, device.subgroupSize)) }
  ) { op, device in
    var step = op.step("PackBitPlanes/pack_bit_planes_ballot.comp")
    step.defines["LANES"] = String(device.subgroupSize)
    step.subgroupSize = device.subgroupSize
    return Plan(step)
  }

  private func step(_ shader: String) -> Step {
    let pairs = planes.coefficientPairs
    return Step(
      shader, defines: ["PLANES": String(planes.count)], bindings: arguments.map { .argument($0.name) },
      constants: [
        "rows": UInt32(rows), "width": UInt32(width), "c01": pairs[0], "c23": pairs[1], "c45": pairs[2],
        "c67": pairs[3],
      ], groups: (rows, 1, 1))
  }

  /// A ballot per bit is cheap where many lanes vote; elsewhere a lane transposes whole words.
  public func preference(on device: DeviceInfo) -> [String] {
    let others = RowReduction.preference(width: BitPlanes.words(width), on: device)
    return device.subgroupSize >= 32 ? ["ballot"] + others : others + ["ballot"]
  }
}

extension BitPlanes {
  /// The coefficients as shaders take them: signed 16-bit halves of four words, the first in the lower half.
  var coefficientPairs: [UInt32] {
    stride(from: 0, to: 8, by: 2).map { first in
      (first..<first + 2).reduce(0) { word, plane in
        let coefficient = plane < count ? coefficients[plane] : 0
        return word | UInt32(UInt16(truncatingIfNeeded: coefficient)) << (16 * (plane - first))
      }
    }
  }
}
