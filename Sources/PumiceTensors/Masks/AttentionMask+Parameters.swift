/// The numbers of a mask as 32-bit words, apart from its structure: shaders are generated for the structure and read the
/// words from a buffer, so that another window or list needs no new shader.
///
/// Every part of a mask has a few slots, in the order in which the mask is written; lists follow after all slots, and
/// slots say where. Parts of `perHead` have slots of their own, wherever its table says.
extension AttentionMask {
  /// The words that shaders of this mask read; at least one.
  ///
  /// - Precondition: the mask is valid for `heads`.
  public func parameters(heads: Int) -> [UInt32] {
    var builder = ParameterBuilder(heads: heads)
    builder.words = Array(repeating: 0, count: slotCount)
    builder.place(self, at: 0)
    return builder.words.isEmpty ? [0] : builder.words
  }

  /// The mask without its numbers: masks of one structure share their shaders.
  package var structure: String {
    switch self {
    case .full, .causal, .window, .sinks, .dilated, .blocks, .prefixLM, .documents, .tree, .tokens, .slash,
      .shiftedGroups, .span:
      kind
    case .perHead(let masks): "\(kind)(\(Self.alternatives(masks).map(\.structure).joined(separator: ", ")))"
    case .user(let function): "\(kind)(\(function.name): \(function.glsl))"
    case .intersection(let a, let b), .union(let a, let b): "(\(a.structure) \(kind) \(b.structure))"
    case .complement(let a): "!\(a.structure)"
    }
  }

  /// One mask of each structure among `masks`, in an order that depends on the structures alone.
  package static func alternatives(_ masks: [AttentionMask]) -> [AttentionMask] {
    var first: [String: AttentionMask] = [:]
    for mask in masks where first[mask.structure] == nil { first[mask.structure] = mask }
    return first.sorted { $0.key < $1.key }.map(\.value)
  }

  /// The words of a mask but for its lists.
  package var slotCount: Int {
    switch self {
    case .full, .causal, .user: 0
    case .window, .sinks, .prefixLM, .perHead: 1
    case .dilated, .documents, .tokens, .slash, .shiftedGroups, .span: 2
    case .tree: 3
    case .blocks: 4
    case .intersection(let a, let b), .union(let a, let b): a.slotCount + b.slotCount
    case .complement(let a): a.slotCount
    }
  }

  /// The most lists of each length, in bits, that shaders search for one pair of query and key.
  package var searches: [Int] {
    func bits(_ count: Int) -> Int { Int.bitWidth - count.leadingZeroBitCount }
    return switch self {
    case .full, .causal, .window, .sinks, .dilated, .prefixLM, .tree, .shiftedGroups, .span, .user: []
    case .tokens(let list), .slash(let list): [bits(list.count)]
    case .documents(let list): [bits(list.count), bits(list.count)]
    case .blocks(let list): [bits(zip(list.rows, list.rows.dropFirst()).map { $1 - $0 }.max() ?? 0)]
    case .perHead(let masks): masks.map(\.searches).max { $0.reduce(0, +) < $1.reduce(0, +) } ?? []
    case .intersection(let a, let b), .union(let a, let b): a.searches + b.searches
    case .complement(let a): a.searches
    }
  }
}

/// Lays out slots and lists.
private struct ParameterBuilder {
  let heads: Int
  var words: [UInt32] = []
  /// Where the slots of masks of `perHead` are: heads with the same mask share them.
  private var placed: [AttentionMask: Int] = [:]

  init(heads: Int) { self.heads = heads }

  mutating func place(_ mask: AttentionMask, at slot: Int) {
    switch mask {
    case .full, .causal, .user: break
    case .window(let n), .sinks(let n), .prefixLM(let n): words[slot] = UInt32(n)
    case .dilated(let window, let stride): set(slot, [window, stride])
    case .blocks(let list):
      set(slot, [list.size, list.rows.count - 1, append(list.rows), append(list.columns)])
    case .documents(let list), .tokens(let list), .slash(let list): set(slot, [append(list), list.count])
    case .tree(let start, let parents): set(slot, [start, append(Self.depthFirst(parents)), parents.count])
    case .shiftedGroups(let size): set(slot, [size, heads / 2])
    case .span(let spans, let block):
      let alphas = spans.map { Int((Double($0.alpha) / Double(block)).rounded(.down)) }
      set(slot, [block, append(zip(alphas, spans).flatMap { [$0, $1.scaledBeta] })])
    case .perHead(let masks): words[slot] = UInt32(table(masks))
    case .intersection(let a, let b), .union(let a, let b):
      place(a, at: slot)
      place(b, at: slot + a.slotCount)
    case .complement(let a): place(a, at: slot)
    }
  }

  private mutating func set(_ slot: Int, _ values: [Int]) {
    for (i, value) in values.enumerated() { words[slot + i] = UInt32(truncatingIfNeeded: value) }
  }

  private mutating func append(_ list: [Int]) -> Int {
    let place = words.count
    words += list.map { UInt32(truncatingIfNeeded: $0) }
    return place
  }

  /// Two words for each head: which alternative its mask is, and where its slots are.
  private mutating func table(_ masks: [AttentionMask]) -> Int {
    let table = append(Array(repeating: 0, count: 2 * masks.count))
    let structures = AttentionMask.alternatives(masks).map(\.structure)
    for (head, mask) in masks.enumerated() {
      var slots = placed[mask]
      if slots == nil {
        slots = append(Array(repeating: 0, count: mask.slotCount))
        placed[mask] = slots
        place(mask, at: slots!)
      }
      set(table + 2 * head, [structures.firstIndex(of: mask.structure)!, slots!])
    }
    return table
  }

  /// Two words for each node of a tree: its number depth first, and the first number after those of its descendants. So
  /// a node is an ancestor of another if the other's number lies between.
  private static func depthFirst(_ parents: [Int]) -> [Int] {
    var sizes = Array(repeating: 1, count: parents.count)
    for node in parents.indices.reversed() where parents[node] >= 0 { sizes[parents[node]] += sizes[node] }
    var roots = 0
    // The number that the next child of a node gets.
    var next = Array(repeating: 0, count: parents.count)
    var words: [Int] = []
    for (node, parent) in parents.enumerated() {
      let number = parent < 0 ? roots : next[parent]
      if parent < 0 { roots += sizes[node] } else { next[parent] += sizes[node] }
      next[node] = number + 1
      words += [number, number + sizes[node]]
    }
    return words
  }
}
