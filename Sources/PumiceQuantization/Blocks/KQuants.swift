// Blocks of 256 elements with two levels of scales.

extension BlockEncoders {
  static func q2_K(_ isWeighted: Bool) -> Encode {
    let search = TwoLevelOffsets(highestCode: 3, highestFactor: 15, length: 16, isWeighted: isWeighted)
    return { samples, block in
      let fit = search.best(samples)
      block.half(fit.scale, at: 80)
      block.half(fit.offset, at: 82)
      for part in 0..<16 { block.byte(UInt8(fit.scaleFactors[part] | fit.offsetFactors[part] << 4), at: part) }
      search.store(samples, fit, into: &block) { $0.planar($2, $1, width: 2, plane: 32, at: 16) }
    }
  }

  static func q3_K(_ isWeighted: Bool) -> Encode {
    let search = TwoLevelScales(UniformCodes(-4...3), range: -32...31, length: 16, isWeighted: isWeighted)
    return { samples, block in
      let fit = search.best(samples)
      block.half(fit.scale, at: 108)
      for (part, factor) in fit.factors.enumerated() {
        let bits = UInt8(factor + 32)
        block.planar(bits & 15, part, width: 4, plane: 8, at: 96)
        block.planar(bits >> 4, part, width: 2, plane: 4, at: 104)
      }
      search.store(samples, fit, into: &block) { block, i, code in
        block.planar(code & 3, i, width: 2, plane: 32, at: 32)
        block.planar(code >> 2, i, width: 1, plane: 32, at: 0)
      }
    }
  }

  static func q4_K(_ isWeighted: Bool) -> Encode {
    let search = TwoLevelOffsets(highestCode: 15, highestFactor: 63, length: 32, isWeighted: isWeighted)
    return { samples, block in
      let fit = search.best(samples)
      putScales(fit, into: &block)
      search.store(samples, fit, into: &block) { $0.planar($2, $1, width: 4, plane: 32, at: 16) }
    }
  }

  static func q5_K(_ isWeighted: Bool) -> Encode {
    let search = TwoLevelOffsets(highestCode: 31, highestFactor: 63, length: 32, isWeighted: isWeighted)
    return { samples, block in
      let fit = search.best(samples)
      putScales(fit, into: &block)
      search.store(samples, fit, into: &block) { block, i, code in
        block.planar(code & 15, i, width: 4, plane: 32, at: 48)
        block.planar(code >> 4, i, width: 1, plane: 32, at: 16)
      }
    }
  }

  /// The numbers and the six-bit factors of q4_K: the first four scales and offsets in the low bits of bytes 4–7 and 8–11,
  /// above them the high two bits of the others, whose low four are in bytes 12–15.
  private static func putScales(_ fit: TwoLevelOffsets.Fit, into block: inout EncodedBlock) {
    block.half(fit.scale, at: 0)
    block.half(fit.offset, at: 2)
    for part in 0..<4 {
      let (scale, offset) = (UInt8(fit.scaleFactors[part]), UInt8(fit.offsetFactors[part]))
      let (laterScale, laterOffset) = (UInt8(fit.scaleFactors[part + 4]), UInt8(fit.offsetFactors[part + 4]))
      block.byte(scale | (laterScale >> 4) << 6, at: 4 + part)
      block.byte(offset | (laterOffset >> 4) << 6, at: 8 + part)
      block.byte(laterScale & 15 | (laterOffset & 15) << 4, at: 12 + part)
    }
  }

  static func q6_K(_ isWeighted: Bool) -> Encode {
    let search = TwoLevelScales(UniformCodes(-32...31), range: -128...127, length: 16, isWeighted: isWeighted)
    return { samples, block in
      let fit = search.best(samples)
      block.half(fit.scale, at: 208)
      for (part, factor) in fit.factors.enumerated() { block.byte(UInt8(bitPattern: Int8(factor)), at: 192 + part) }
      search.store(samples, fit, into: &block) { block, i, code in
        block.planar(code & 15, i, width: 4, plane: 64, at: 0)
        block.planar(code >> 4, i, width: 2, plane: 32, at: 128)
      }
    }
  }

  static func iq4_xs(_ isWeighted: Bool) -> Encode {
    let search = TwoLevelScales(
      TableCodes(FormatTables.uneven), range: -32...31, length: 32, unit: 8, isWeighted: isWeighted)
    return { samples, block in
      let fit = search.best(samples)
      block.half(fit.scale, at: 0)
      for (part, factor) in fit.factors.enumerated() {
        block.code((factor + 32) & 15, part, width: 4, at: 4)
        block.code((factor + 32) >> 4, part, width: 2, at: 2)
      }
      search.store(samples, fit, into: &block) { $0.planar($2, $1, width: 4, plane: 16, at: 8) }
    }
  }
}

extension TwoLevelScales {
  fileprivate func store(_ samples: Samples, _ fit: Fit, into block: inout EncodedBlock, _ put: BlockEncoders.Put) {
    for (part, factor) in fit.factors.enumerated() {
      BlockEncoders.store(
        codes, samples.part(part * length, length), scale: fit.scale * Float(factor), into: &block,
        first: part * length, put)
    }
  }
}

extension TwoLevelOffsets {
  fileprivate func store(_ samples: Samples, _ fit: Fit, into block: inout EncodedBlock, _ put: BlockEncoders.Put) {
    for part in fit.scaleFactors.indices {
      BlockEncoders.store(
        codes, samples.part(part * length, length), scale: fit.scale * Float(fit.scaleFactors[part]),
        offset: -fit.offset * Float(fit.offsetFactors[part]), into: &block, first: part * length, put)
    }
  }
}
