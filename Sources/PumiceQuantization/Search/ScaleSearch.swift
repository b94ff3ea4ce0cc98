/// The search for one scale d such that Σ w (x − d·v(q))² is least, where v(q) are the values of a codebook.
///
/// For fixed codes the best scale is Σ w x v / Σ w v²; for a fixed scale the best codes are the nearest. The search tries
/// scales that put the largest element on many places around the ends of the codebook, keeps the one whose codes leave the
/// least error with the best scale for them, and alternates the two steps from there until nothing changes.
struct ScaleSearch<Codes: Codebook>: Sendable {
  let codes: Codes
  /// The values that the element of the largest magnitude is put on, one for each candidate.
  private let targets: [Float]

  /// - Parameters:
  ///   - length: elements that share the scale: among many, the largest is far outside and better cut off.
  ///   - unit: the distance of the codebook's values near its ends.
  ///   - isWeighted: whether errors are weighted: the largest element may then matter little.
  init(_ codes: Codes, length: Int, unit: Float = 1, isWeighted: Bool = false) {
    self.codes = codes
    let cut: Float = isWeighted || length > 256 ? 4 : length <= 32 ? 1.3 : 2
    // A codebook that is the same on both sides finds nothing new with the other sign.
    let ends = codes.isSymmetric ? [codes.highest] : [codes.lowest, codes.highest]
    var targets: [Float] = []
    for end in ends where end != 0 {
      let size = abs(end)
      // The end itself is among them, so that what was encoded before is encoded without loss.
      var sizes = (-8...6).map { size + Float($0) * unit / 4 }.filter { $0 > size / 4 }
      var beyond = max(size * 1.05, sizes.last! + unit / 4)
      while beyond < size * cut {
        sizes.append(beyond)
        beyond *= 1.08
      }
      targets += sizes.map { end < 0 ? -$0 : $0 }
    }
    self.targets = targets
  }

  /// The best scale found, never negative for a codebook that is the same on both sides; 0 for samples that are all zero.
  func bestScale(_ samples: Samples) -> Float {
    let extreme = codes.isSymmetric ? abs(samples.extreme) : samples.extreme
    guard extreme != 0 else { return 0 }
    var best: (error: Float, scale: Float) = (.infinity, 0)
    for target in targets {
      let fit = fit(samples, scale: extreme / target)
      if fit.error < best.error { best = fit }
    }
    for _ in 0..<4 {
      let fit = fit(samples, scale: best.scale)
      guard fit.error < best.error else { break }
      best = fit
    }
    return best.scale
  }

  /// The least-squares scale for the codes that `scale` gives, and what error it leaves.
  ///
  /// Works with the remainders, which are small, so that nothing cancels.
  private func fit(_ samples: Samples, scale: Float) -> (error: Float, scale: Float) {
    let inverse = codes.inverse(of: scale)
    var products = Lanes.zero, squares = Lanes.zero, errors = Lanes.zero
    for i in 0..<samples.count {
      let value = codes.nearest(samples.values[i] * inverse)
      let rest = samples.values[i] - value * scale
      let weighted = samples.weights[i] * rest
      products += weighted * value
      squares += samples.weights[i] * value * value
      errors += weighted * rest
    }
    let product = products.sum(), square = squares.sum(), error = errors.sum()
    guard square > 0 else { return (error, scale) }
    return (error - product * product / square, scale + product / square)
  }
}

extension Codebook {
  /// Whether the values are the same on both sides of zero.
  var isSymmetric: Bool { lowest == -highest }

  /// Σ w (x − scale·v(q))² with the nearest codes.
  func error(_ samples: Samples, scale: Float) -> Float {
    let inverse = inverse(of: scale)
    var sum = Lanes.zero
    for i in 0..<samples.count {
      let rest = samples.values[i] - nearest(samples.values[i] * inverse) * scale
      sum += samples.weights[i] * rest * rest
    }
    return sum.sum()
  }

  /// Σ w (x − scale·v(q) − offset)² with the nearest codes.
  func error(_ samples: Samples, scale: Float, offset: Float) -> Float {
    let inverse = inverse(of: scale)
    var sum = Lanes.zero
    for i in 0..<samples.count {
      let x = samples.values[i] - offset
      let rest = x - nearest(x * inverse) * scale
      sum += samples.weights[i] * rest * rest
    }
    return sum.sum()
  }

  /// The code of every sample, from 0.
  func encode(_ samples: Samples, scale: Float, offset: Float = 0, into result: UnsafeMutablePointer<UInt8>) {
    let inverse = inverse(of: scale)
    for i in 0..<samples.count {
      let codes = code((samples.values[i] - offset) * inverse)
      for lane in 0..<8 { result[i * 8 + lane] = UInt8(codes[lane]) }
    }
  }

  /// 1 / scale, or 0 where there is none: all codes are then the one of zero.
  @inline(__always)
  func inverse(of scale: Float) -> Float {
    let inverse = 1 / scale
    return inverse.isFinite ? inverse : 0
  }
}
