public import PumiceModelFiles

/// What tells one model from another: a hash of its numbers of layers and heads, and of its tensors.
///
/// 128-bit FNV-1a over the metadata of the architecture, and over the name, type, shape, first and last bytes of what
/// each tensor is stored in, so that gigabytes need not be read. Names, descriptions and the tokenizer do not count.
public struct ModelHash: Hashable, Sendable, CustomStringConvertible {
  /// 32 hexadecimal digits.
  public let description: String

  /// Bytes of a tensor that count, from either end.
  private static let sampled = 4096

  public init(_ file: any GGUFSource) {
    var hash = FNV1a()
    if case .string(let architecture)? = file.metadata["general.architecture"] {
      hash.add(architecture.utf8)
      let entries = file.metadata.filter { $0.key.hasPrefix("\(architecture).") }
      for (key, value) in entries.sorted(by: { $0.key < $1.key }) { hash.add("\(key)=\(value)\n".utf8) }
    }
    for tensor in file.tensors.sorted(by: { $0.name < $1.name }) {
      hash.add("\(tensor.name) \(tensor.type) \(tensor.shape)\n".utf8)
      file.withEnds(of: tensor, atMost: Self.sampled) { hash.add($0) }
    }
    let digits = String(hash.value, radix: 16)
    description = String(repeating: "0", count: 32 - digits.count) + digits
  }
}

/// The 128-bit hash of Fowler, Noll and Vo, variant 1a (RFC 9923).
private struct FNV1a {
  private(set) var value: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { value = (value ^ UInt128(byte)) &* 0x0000_0000_0100_0000_0000_0000_0000_013b }
  }
}
