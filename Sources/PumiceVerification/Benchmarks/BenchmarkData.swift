import PumiceOperators
import PumiceTensors

/// Numbers for large problems: quick to make, of ordinary size, and different everywhere.
enum BenchmarkData {
  static func inputs<Op: Verifiable>(_ op: Op, seed: UInt64) -> [String: [UInt8]] {
    var random = RandomSource(seed: seed, label: op.description)
    var inputs: [String: [UInt8]] = [:]
    for argument in op.arguments where argument.role != .output {
      // Only integers mean something that random bytes would not: tokens, positions, tables.
      let special = argument.format.isInteger ? op.special(argument, &random) : nil
      inputs[argument.name] = special ?? bytes(argument, &random)
    }
    return inputs
  }

  /// Uniform numbers of [−1, 1), or random codes with scales of [1/64, 1/32).
  static func bytes(_ argument: Argument, _ random: inout RandomSource) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: argument.byteCount) { bytes, count in
      let raw = UnsafeMutableRawBufferPointer(bytes)
      switch argument.format {
      case .f32:
        for i in 0..<argument.shape.count {
          raw.storeBytes(of: number(random.next()), toByteOffset: 4 * i, as: Float.self)
        }
      case .f16:
        for i in 0..<argument.shape.count {
          raw.storeBytes(of: Float16(number(random.next())), toByteOffset: 2 * i, as: Float16.self)
        }
      case .bf16:
        for i in 0..<argument.shape.count {
          let upper = UInt16(number(random.next()).bitPattern >> 16)
          raw.storeBytes(of: upper, toByteOffset: 2 * i, as: UInt16.self)
        }
      case .block(let block):
        fill(raw, &random)
        for start in stride(from: 0, to: raw.count, by: block.byteCount) {
          block.setScales(raw, at: start) { scale(random.next()) }
        }
      case .group, .normalFloat, .palette, .dualGrained, .gptq, .awq:
        fill(raw, &random)
        argument.format.fillSections(raw, argument.shape, &random) { count, random in
          (0..<count).map { _ in scale(random.next()) }
        }
      case .i32, .i8: fill(raw, &random)
      }
      count = argument.byteCount
    }
  }

  private static func scale(_ bits: UInt64) -> Float {
    Float(Float16(bitPattern: 0x2400 | UInt16(truncatingIfNeeded: bits >> 32) & 0x3ff))
  }

  private static func number(_ bits: UInt64) -> Float {
    Float(Int32(truncatingIfNeeded: bits >> 40) - (1 << 23)) * 0x1p-23
  }

  private static func fill(_ raw: UnsafeMutableRawBufferPointer, _ random: inout RandomSource) {
    var i = 0
    while i + 8 <= raw.count {
      raw.storeBytes(of: random.next(), toByteOffset: i, as: UInt64.self)
      i += 8
    }
    while i < raw.count {
      raw[i] = UInt8(truncatingIfNeeded: random.next())
      i += 1
    }
  }
}
