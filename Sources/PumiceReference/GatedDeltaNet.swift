public import PumiceOperators

extension GatedDeltaNet: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let q = inputs["q"]!, k = inputs["k"]!, v = inputs["v"]!, dt = inputs["dt"]!, a = inputs["a"]!
    let beta = inputs["beta"]!
    let unit = rounding.accumulator, flush = RoundingModel.flush
    var state = Evaluated(exact: inputs["state"]!)
    var y = Evaluated(count: tokens * heads * headSize)
    for t in 0..<tokens {
      for h in 0..<heads {
        let key = (t * keyHeads + keyHead(of: h)) * keySize
        let decays = (0..<keySize).map { n in
          decay(dt[decayPerKey ? (t * heads + h) * keySize + n : t * heads + h], a[h], unit)
        }
        let (share, shareError) = Self.logistic(beta[t * heads + h])
        for p in 0..<headSize {
          let channel = h * headSize + p
          var stored = 0.0, magnitude = 0.0, error = 0.0, sizes = 0.0
          for n in 0..<keySize {
            let index = (n * heads * headSize) + channel, (decay, decayError) = decays[n]
            let faded = decay * state.values[index]
            stored += k[key + n] * faded
            magnitude += abs(k[key + n] * faded)
            error +=
              abs(k[key + n])
              * ((decay + decayError) * state.bounds[index] + decayError * abs(state.values[index]) + unit * abs(faded))
            sizes += (abs(k[key + n]) + 1) * (2 + abs(state.values[index]))
          }
          let difference = v[t * heads * headSize + channel] - stored
          let differenceError =
            error + rounding.dotProduct(length: keySize, magnitude: magnitude) + unit * abs(difference)
            + flush * (sizes + Double(keySize) + 1)
          let change = share * difference
          let changeError =
            (share + shareError) * differenceError + shareError * abs(difference) + unit * abs(change)
            + flush * (2 + abs(difference))
          var sum = 0.0
          (magnitude, error, sizes) = (0, 0, 0)
          for n in 0..<keySize {
            let index = (n * heads * headSize) + channel, (decay, decayError) = decays[n]
            let faded = decay * state.values[index], added = k[key + n] * change
            let value = faded + added
            state.bounds[index] =
              (decay + decayError) * state.bounds[index] + decayError * abs(state.values[index])
              + abs(k[key + n]) * changeError + unit * (abs(faded) + abs(added) + abs(value))
              + flush * (4 + decay + abs(state.values[index]) + abs(k[key + n]) + abs(change))
            state.values[index] = value
            sum += q[key + n] * value
            magnitude += abs(q[key + n] * value)
            error += abs(q[key + n]) * state.bounds[index]
            sizes += abs(q[key + n]) + abs(value)
          }
          y.values[t * heads * headSize + channel] = sum
          y.bounds[t * heads * headSize + channel] =
            error + rounding.dotProduct(length: keySize, magnitude: magnitude) + rounding.store(sum)
            + flush * (sizes + Double(keySize) + 1)
        }
      }
    }
    return ["y": y, "state": state]
  }

  /// exp(softplus(x) · rate), and how wrong a device may have it.
  private func decay(_ x: Double, _ rate: Double, _ unit: Double) -> (value: Double, error: Double) {
    let step = max(x, 0) + DoubleMath.logarithmOfOnePlus(DoubleMath.exponential(-abs(x)))
    let value = DoubleMath.exponential(step * rate)
    // What the exponent is wrong by is relative to its power.
    let relative =
      RoundingModel.expRelative(step * rate) + abs(rate) * RoundingModel.softplusError(x) + unit * abs(step * rate)
    return (value, value * relative + RoundingModel.flush)
  }

  private static func logistic(_ x: Double) -> (value: Double, error: Double) {
    let value = 1 / (1 + DoubleMath.exponential(-x))
    return (value, RoundingModel.logisticRelative(x) * value + RoundingModel.flush)
  }
}
