import PumiceGPU
import PumiceOperators
import PumiceTensors

/// The device memory of one case: all arguments in one buffer, guard words around each, outputs poisoned.
struct Workspace {
  /// A NaN that is another one at every address: a kernel that copies or computes with what it read outside of a tensor
  /// writes the payload of another place.
  static func guardWord(at index: Int) -> UInt32 {
    0x7fc0_0000 | UInt32(truncatingIfNeeded: index) &* 0x9e37_79b1 >> 10
  }
  static let poisonWord: UInt32 = 0xffc1_2345
  /// Bytes of guard before and after each argument.
  static let guardBytes = 256

  private struct Region {
    let argument: Argument
    let offset: Int
    /// Bytes in whole words: what a kernel may touch.
    let byteCount: Int
  }

  private let regions: [Region]
  let byteCount: Int
  private(set) var image: [UInt32]

  init(_ arguments: [Argument], inputs: [String: [UInt8]]) {
    var offset = Self.guardBytes
    regions = arguments.map { argument in
      let region = Region(argument: argument, offset: offset, byteCount: (argument.byteCount + 3) & ~3)
      // Aligned for vector loads, and never less than a whole guard.
      offset = (offset + region.byteCount + Self.guardBytes + 255) & ~255
      return region
    }
    byteCount = offset
    image = (0..<offset / 4).map { Self.guardWord(at: $0) }
    for region in regions {
      let first = region.offset / 4
      if let bytes = inputs[region.argument.name] {
        image.withUnsafeMutableBytes { target in
          bytes.withUnsafeBytes { target[region.offset..<region.offset + bytes.count].copyBytes(from: $0) }
          // The rest of the last word, which no kernel may use.
          for i in bytes.count..<region.byteCount { target[region.offset + i] = 0xa5 }
        }
      } else {
        for i in first..<first + region.byteCount / 4 { image[i] = Self.poisonWord }
      }
    }
  }

  func slices(of buffer: Buffer) throws -> [String: BufferSlice] {
    var slices: [String: BufferSlice] = [:]
    for region in regions {
      slices[region.argument.name] = try buffer.slice(offset: region.offset, byteCount: region.byteCount)
    }
    return slices
  }

  /// The bytes of an argument in an image read back.
  func bytes(of name: String, in image: [UInt32]) -> [UInt8] {
    let region = regions.first { $0.argument.name == name }!
    return image.withUnsafeBytes { Array($0[region.offset..<region.offset + region.argument.byteCount]) }
  }

  /// What the kernel wrote that it must not: a guard word, or an input. Nil if nothing.
  func damage(in found: [UInt32]) -> String? {
    for range in untouchable where image[range] != found[range] {
      let word = range.first { image[$0] != found[$0] }!
      return "\(location(ofWord: word)) was overwritten"
    }
    return nil
  }

  /// The words between those that the kernel may write.
  private var untouchable: [Range<Int>] {
    var ranges: [Range<Int>] = []
    var start = 0
    for region in regions where region.argument.role != .input {
      ranges.append(start..<region.offset / 4)
      start = (region.offset + region.byteCount) / 4
    }
    return ranges + [start..<image.count]
  }

  /// Where a word of the image lies, in words.
  func location(ofWord word: Int) -> String {
    if let region = regions.first(where: { $0.offset / 4 <= word && word < ($0.offset + $0.byteCount) / 4 }) {
      return "\(region.argument.role == .input ? "the input" : "the output") \(region.argument.name) at word "
        + "\(word - region.offset / 4)"
    }
    let nearest = regions.last { $0.offset / 4 <= word } ?? regions[0]
    return "a guard word \(word * 4 - nearest.offset) bytes from the start of \(nearest.argument.name)"
  }
}
