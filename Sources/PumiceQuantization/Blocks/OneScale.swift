extension BlockEncoders {
  /// An f16 scale at the front, and codes.
  static func scaled(
    _ codes: some Codebook, length: Int, unit: Float = 1, _ isWeighted: Bool, put: @escaping Put
  ) -> Encode {
    let search = ScaleSearch(codes, length: length, unit: unit, isWeighted: isWeighted)
    return { samples, block in
      let scale = half(search.bestScale(samples))
      block.half(scale, at: 0)
      store(codes, samples, scale: scale, into: &block, put)
    }
  }

  /// Two f16 numbers, scale and offset, and codes from 0 for 32 elements.
  static func offset(highest: Int, _ isWeighted: Bool, put: @escaping Put) -> Encode {
    let search = AffineSearch(highest: highest, length: 32, isOffsetNegative: false, isWeighted: isWeighted)
    return { samples, block in
      let fit = search.best(samples)
      let scale = half(fit.scale)
      // For the scale as it is stored.
      let offset = half(search.offset(samples, scale: scale, near: fit.offset))
      block.half(scale, at: 0)
      block.half(offset, at: 2)
      store(search.codes, samples, scale: scale, offset: offset, into: &block, put)
    }
  }

  static func store(
    _ codes: some Codebook, _ samples: Samples, scale: Float, offset: Float = 0, into block: inout EncodedBlock,
    first: Int = 0, _ put: Put
  ) {
    guard scale.isFinite, offset.isFinite else { return block.overflow() }
    withCodes(samples.length) { result in
      codes.encode(samples, scale: scale, offset: offset, into: result)
      for i in 0..<samples.length { put(&block, first + i, result[i]) }
    }
  }

  /// An f16 scale and one bit for each of 128 elements: plus or minus. The best scale is the mean magnitude.
  static func signs() -> Encode {
    { samples, block in
      let scale = half(samples.meanMagnitude)
      block.half(scale, at: 0)
      for i in 0..<samples.length where samples[i].value >= 0 { block.code(1, i, width: 1, at: 2) }
    }
  }

  /// 256 times −1, 0 or 1, and an f16 scale.
  static func ternary(scaleAt offset: Int, put: @escaping Put) -> Encode {
    let codes = UniformCodes(-1...1)
    return { samples, block in
      let scale = half(samples.bestTernaryScale)
      block.half(scale, at: offset)
      store(codes, samples, scale: scale, into: &block, put)
    }
  }

  /// Five digits of base 3 in a byte b, digit i of ⌊3^i b / 256⌋ mod 3: the byte is the number rounded up of 256/243.
  @Sendable static func ternaryDigit(_ block: inout EncodedBlock, _ i: Int, _ code: UInt8) {
    let (first, offset, plane) = i < 160 ? (0, 0, 32) : i < 240 ? (160, 32, 16) : (240, 48, 4)
    let digit = (i - first) / plane
    let at = offset + (i - first) % plane
    // Digits come in order, so that the bytes hold plain numbers of base 3 until the last.
    let number = Int(block.bytes[at]) + Int(code) * [81, 27, 9, 3, 1][digit]
    let isLast = digit == (plane == 4 ? 3 : 4)
    block.byte(UInt8(isLast ? (number * 256 + 242) / 243 : number), at: at)
  }
}

extension Samples {
  /// Σ w |x| / Σ w
  var meanMagnitude: Float {
    var products = Lanes.zero, sums = Lanes.zero
    for i in 0..<count {
      products += weights[i] * values[i].replacing(with: -values[i], where: values[i] .< 0)
      sums += weights[i]
    }
    return products.sum() / sums.sum()
  }

  /// The scale with the least Σ w (x − scale·q)² for q of −1, 0 and 1: exact.
  ///
  /// The elements that are not 0 are those of the largest magnitudes, however many; for n of them the best scale is their
  /// weighted mean magnitude, and the error falls by (Σ w |x|)² / Σ w.
  var bestTernaryScale: Float {
    let ordered = (0..<length).map { (size: abs(self[$0].value), weight: self[$0].weight) }.sorted { $0.size > $1.size }
    var product: Float = 0, sum: Float = 0
    var best: (gain: Float, scale: Float) = (0, 0)
    for (size, weight) in ordered {
      product += size * weight
      sum += weight
      guard sum > 0 else { continue }
      if product * product / sum > best.gain { best = (product * product / sum, product / sum) }
    }
    return best.scale
  }
}
