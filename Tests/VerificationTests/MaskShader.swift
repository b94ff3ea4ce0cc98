import PumiceGPU
import PumiceKernels
import PumiceShaders
import PumiceTensors

/// What shaders make of a mask: every pair of positions, and every tile of them.
struct MaskShader {
  /// The flags that `mask_tile` gives.
  struct Flags: OptionSet, Hashable {
    let rawValue: UInt32
    static let someLive = Flags(rawValue: 1)
    static let someDead = Flags(rawValue: 2)
    static let decided = Flags(rawValue: 4)
    static let dead: Flags = [.someDead, .decided]
    static let full: Flags = [.someLive, .decided]
    static let mixed: Flags = [.someLive, .someDead, .decided]
  }

  let device: Device
  let mask: AttentionMask
  let heads: Int
  /// Positions of queries and of keys.
  var size = 48
  /// Positions along the side of a tile.
  var tile = 8
  var length = 48

  /// One thread per pair: x the key, y the query, z the head. Bit 0: the query sees the key. Pairs at the first corner of
  /// a tile carry the tile's flags above.
  private static let text = """
    #version 460
    #include "Common/buffers.glsl"
    BUFFER(0, readonly, uint, MaskWords, mask)
    BUFFER(1, writeonly, uint, Output, y)
    CONSTANTS(ADDRESS(MaskWords, mask) ADDRESS(Output, y) uint size; int tile; int length;)
    layout(local_size_x = 8) in;
    #define MASK_WORD(i) mask.v[i]
    #include "Common/mask.glsl"
    void main() {
      const int key = int(gl_GlobalInvocationID.x);
      const int query = int(gl_WorkGroupID.y);
      const uint head = gl_WorkGroupID.z;
      if (key >= int(size)) return;
      uint result = mask_live(head, query, key, length) ? 1u : 0u;
      if (key % tile == 0 && query % tile == 0) {
        result |= mask_tile(head, MaskBox(query, query + tile - 1, key, key + tile - 1), length) << 1;
      }
      y.v[(head * size + uint(query)) * size + uint(key)] = result;
    }
    """

  /// A word for each head, query and key.
  ///
  /// - Parameter overrides: texts in the place of shader files and of the generated text, by path.
  func run(overrides: [String: String] = [:]) throws -> [UInt32] {
    let path = "Test/mask.comp"
    let text = try ShaderLibrary.resolved(
      path, generated: ["mask": MaskProgram(mask).text], overrides: overrides.merging([path: Self.text]) { $1 })
    let pipeline = try device.pipeline(
      PipelineDescription(source: ShaderSource(name: path, text: text), bufferCount: 2, constantBytes: 12))
    let parameters = mask.parameters(heads: heads)
    let words = try device.makeBuffer(byteCount: 4 * parameters.count, label: "mask")
    try words.write(parameters)
    let y = try device.makeBuffer(byteCount: 4 * heads * size * size, label: "y")
    let list = try device.makeCommandList(label: "mask")
    try list.dispatch(
      pipeline, buffers: [(words.whole, .read), (y.whole, .write)],
      constants: [UInt32(size), UInt32(tile), UInt32(length)], groups: ((size + 7) / 8, size, heads), label: "mask")
    try list.run()
    return try y.read(UInt32.self, count: heads * size * size)
  }

  /// Pairs that the shader takes for what they are not, and tiles of which it claims what is not so.
  func mistakes(_ found: [UInt32]) -> [String] {
    let expected = (0..<heads * size * size).map { i in
      mask.isLive(head: i / (size * size), heads: heads, query: i / size % size, key: i % size, length: length)
    }
    var mistakes: [String] = []
    for (i, live) in expected.enumerated() where (found[i] & 1 == 1) != live {
      mistakes.append("head \(i / (size * size)), query \(i / size % size), key \(i % size): \(found[i] & 1)")
    }
    for (start, flags) in tiles(found) {
      let pairs = (0..<tile * tile).map { expected[start + $0 / tile * size + $0 % tile] }
      var truth: Flags = []
      if pairs.contains(true) { truth.insert(.someLive) }
      if pairs.contains(false) { truth.insert(.someDead) }
      let claims = flags.subtracting(.decided)
      let isSound = flags.contains(.decided) ? claims == truth : claims.isSubset(of: truth)
      if !isSound {
        mistakes.append(
          "head \(start / (size * size)), tile at \(start / size % size), \(start % size): \(flags), not \(truth)")
      }
    }
    return mistakes
  }

  /// Where each tile begins, and the flags that the shader gave it.
  func tiles(_ found: [UInt32]) -> [(start: Int, flags: Flags)] {
    found.indices.filter { $0 % size % tile == 0 && $0 / size % size % tile == 0 }
      .map { ($0, Flags(rawValue: found[$0] >> 1)) }
  }

  /// How many tiles of a head are left to be looked at pair by pair.
  func undecided(_ found: [UInt32], head: Int) -> Int {
    tiles(found).count { $0.start / (size * size) == head && !$0.flags.contains(.decided) }
  }
}
