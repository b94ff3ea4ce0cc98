// Elements in e2m1, a float of four bits, with scales that are small floats themselves.

extension BlockEncoders {
  private static let magnitudes = TableCodes(FormatTables.e2m1.dropFirst().reversed().map(-) + FormatTables.e2m1)

  /// The four bits of value number `code` of `magnitudes`: sign, then the magnitude's number.
  private static func bits(_ code: UInt8) -> UInt8 { code >= 7 ? code - 7 : 8 | (7 - code) }

  /// 32 elements and a power of two: the byte e stands for 2^(e − 127).
  static func mxfp4(_ isWeighted: Bool) -> Encode {
    let search = ScaleSearch(magnitudes, length: 32, unit: 2, isWeighted: isWeighted)
    return { samples, block in
      let ideal = search.bestScale(samples)
      var best: (error: Float, exponent: Int) = (.infinity, -127)
      if ideal > 0 {
        for exponent in Int(ideal.exponent) - 1...Int(ideal.exponent) + 2 where -127...127 ~= exponent {
          let error = magnitudes.error(samples, scale: power(exponent))
          if error < best.error { best = (error, exponent) }
        }
      }
      block.byte(UInt8(best.exponent + 127), at: 0)
      store(magnitudes, samples, scale: power(best.exponent), into: &block) { block, i, code in
        block.planar(bits(code), i, width: 4, plane: 16, at: 1)
      }
    }
  }

  private static func power(_ exponent: Int) -> Float { Float(sign: .plus, exponent: exponent, significand: 1) }

  /// Four times 16 elements, each with a scale in e4m3.
  static func nvfp4(_ isWeighted: Bool) -> Encode {
    let search = ScaleSearch(magnitudes, length: 16, unit: 2, isWeighted: isWeighted)
    // The bits 0x7f are not a number.
    let scales = (0..<0x7f).map(e4m3)
    return { samples, block in
      for part in 0..<4 {
        let elements = samples.part(16 * part, 16)
        let ideal = search.bestScale(elements)
        let above = scales.firstIndex { $0 >= ideal } ?? scales.count - 1
        var best: (error: Float, bits: Int) = (.infinity, 0)
        for bits in max(above - 2, 0)...min(above + 1, scales.count - 1) {
          let error = magnitudes.error(elements, scale: scales[bits])
          if error < best.error { best = (error, bits) }
        }
        if ideal > 2 * scales[scales.count - 1] { block.overflow() }
        block.byte(UInt8(best.bits), at: part)
        store(magnitudes, elements, scale: scales[best.bits], into: &block, first: 16 * part) { block, i, code in
          block.planar(bits(code), i, width: 4, plane: 8, at: 4)
        }
      }
    }
  }

  /// Four bits of exponent with bias 7, three bits of significand.
  private static func e4m3(_ bits: Int) -> Float {
    let exponent = bits >> 3, fraction = Float(bits & 7) / 8
    return exponent == 0 ? power(-6) * fraction : power(exponent - 7) * (1 + fraction)
  }
}
