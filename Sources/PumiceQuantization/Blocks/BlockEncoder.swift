import PumiceTensors

/// Turns the elements of a block into its bytes, with the least squared error that the searches find.
struct BlockEncoder: Sendable {
  private let encode: BlockEncoders.Encode

  /// - Parameter isWeighted: whether errors are weighted: outliers may then matter little, and the searches look further.
  /// - Returns: nil for formats whose codes choose points of a lattice.
  init?(_ format: BlockFormat, isWeighted: Bool) {
    switch format {
    case .q1_0: encode = BlockEncoders.signs()
    case .q2_0:
      encode = BlockEncoders.scaled(UniformCodes(-1...2), length: 64, isWeighted) { block, i, code in
        block.code(code, i, width: 2, at: 2)
      }
    case .q4_0: encode = BlockEncoders.scaled(UniformCodes(-8...7), length: 32, isWeighted, put: BlockEncoders.nibble)
    case .q4_1: encode = BlockEncoders.offset(highest: 15, isWeighted) { $0.planar($2, $1, width: 4, plane: 16, at: 4) }
    case .q5_0:
      encode = BlockEncoders.scaled(UniformCodes(-16...15), length: 32, isWeighted) {
        BlockEncoders.fiveBits(&$0, $1, $2, at: 2)
      }
    case .q5_1: encode = BlockEncoders.offset(highest: 31, isWeighted) { BlockEncoders.fiveBits(&$0, $1, $2, at: 4) }
    case .q8_0:
      encode = BlockEncoders.scaled(UniformCodes(-127...127), length: 32, isWeighted) { block, i, code in
        block.byte(code &- 127, at: 2 + i)
      }
    case .iq4_nl:
      encode = BlockEncoders.scaled(
        TableCodes(FormatTables.uneven), length: 32, unit: 8, isWeighted, put: BlockEncoders.nibble)
    case .mxfp4: encode = BlockEncoders.mxfp4(isWeighted)
    case .nvfp4: encode = BlockEncoders.nvfp4(isWeighted)
    case .tq1_0: encode = BlockEncoders.ternary(scaleAt: 52, put: BlockEncoders.ternaryDigit)
    case .tq2_0: encode = BlockEncoders.ternary(scaleAt: 64) { $0.planar($2, $1, width: 2, plane: 32, at: 0) }
    case .q2_K: encode = BlockEncoders.q2_K(isWeighted)
    case .q3_K: encode = BlockEncoders.q3_K(isWeighted)
    case .q4_K: encode = BlockEncoders.q4_K(isWeighted)
    case .q5_K: encode = BlockEncoders.q5_K(isWeighted)
    case .q6_K: encode = BlockEncoders.q6_K(isWeighted)
    case .iq4_xs: encode = BlockEncoders.iq4_xs(isWeighted)
    case .iq2_xxs, .iq2_xs, .iq2_s, .iq3_xxs, .iq3_s, .iq1_s, .iq1_m: return nil
    }
  }

  /// - Returns: whether the format has numbers large enough.
  func callAsFunction(_ samples: Samples, into bytes: UnsafeMutableRawBufferPointer) -> Bool {
    var block = EncodedBlock(bytes)
    encode(samples, &block)
    return !block.hasOverflow
  }
}

/// The encoders of the formats' families.
enum BlockEncoders {
  typealias Encode = @Sendable (Samples, inout EncodedBlock) -> Void
  /// Stores code number `i` of a block.
  typealias Put = @Sendable (_ block: inout EncodedBlock, _ i: Int, _ code: UInt8) -> Void

  /// Four bits in planes of 16 bytes behind a scale.
  @Sendable static func nibble(_ block: inout EncodedBlock, _ i: Int, _ code: UInt8) {
    block.planar(code, i, width: 4, plane: 16, at: 2)
  }

  /// The fifth bits from `offset`, then the other four.
  static func fiveBits(_ block: inout EncodedBlock, _ i: Int, _ code: UInt8, at offset: Int) {
    block.code(code >> 4, i, width: 1, at: offset)
    block.planar(code & 15, i, width: 4, plane: 16, at: offset + 4)
  }

  /// Runs `body` with room for the codes of a block.
  static func withCodes(_ count: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Void) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count) { body($0.baseAddress!) }
  }
}

/// Numbers that formats define.
enum FormatTables {
  /// What the codes of iq4_nl and iq4_xs choose.
  static let uneven: [Float] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]
  /// The magnitudes of e2m1: two bits of exponent with bias 1, one bit of significand.
  static let e2m1: [Float] = [0, 0.5, 1, 1.5, 2, 3, 4, 6]
}
