public import PumiceTensors

/// A mask as shaders take it: GLSL for its structure, and words for its numbers.
///
/// The text defines what `Shaders/Common/mask.glsl` declares, and goes into a step as `generated: ["mask": text]`; the
/// words lie in a buffer that the shader knows as `MASK_WORD(i)`. Masks that differ in numbers and lists alone have the
/// same text, and so the same pipeline.
public struct MaskProgram: Hashable, Sendable {
  /// GLSL: `mask_live` and `mask_box`, and `MASK_DEPENDS_ON_HEAD` where heads differ.
  public let text: String

  /// - Precondition: the mask is valid.
  public init(_ mask: AttentionMask) {
    var writer = MaskWriter()
    let live = writer.live(mask, Place(base: nil, slot: 0))
    let box = writer.box(mask, Place(base: nil, slot: 0))
    let macro = mask.dependsOnHead ? "#define MASK_DEPENDS_ON_HEAD\n" : ""
    text = """
      // Generated for a mask of the structure \(mask.structure.split(whereSeparator: \.isNewline).joined(separator: " ")).
      \(macro)\(writer.functions)bool mask_live(uint head, int query, int key, int length) { return \(live); }
      uint mask_box(uint head, MaskBox box, int length) { return \(box); }

      """
  }

  /// A text with every kind of mask in it: what hashes of shaders stand for that take any mask.
  package static let sample: [String: String] = {
    let window = AttentionMask.window(0), list = AttentionMask.tokens([])
    let parts: [AttentionMask] = [
      .full, .causal, window, .sinks(0), .dilated(window: 0, stride: 1), .blocks(BlockList(size: 1, [])), .prefixLM(0),
      .documents([]), .tree(start: 0, parents: []), list, .slash([]), .shiftedGroups(1), .perHead([window, !list]),
      .span([], block: 1), .user(MaskFunction("sample", glsl: "key <= query") { _, _, _, _ in false }),
    ]
    return ["mask": MaskProgram(parts.dropFirst().reduce(parts[0]) { !($0 & .full) | $1 }).text]
  }()
}

extension AttentionMask {
  /// Iterations of the loops of one call of `mask_live`, at most; those of a user's function are not counted. A loop counts
  /// for two more than it runs: drivers that stop loops count the round in which a loop finds its end, and some more.
  public var liveLoops: Int { searches.reduce(0) { $0 + $1 + 2 } }
  /// Iterations of the loops of one call of `mask_tile`, at most: it looks up both ends of a box, in up to four rows of
  /// blocks, and then evaluates the corners.
  public var tileLoops: Int { searches.reduce(0) { $0 + 4 * (2 * ($1 + 2) + 1) + 2 } + 4 * (1 + liveLoops) + 2 }
}

/// Where the slots of a part of a mask are: from a base that the shader computes, or from the first word on.
private struct Place {
  var base: String?
  var slot: Int

  /// The address of the slot `offset` behind.
  func address(_ offset: Int) -> String {
    base.map { slot + offset == 0 ? $0 : "\($0) + \(slot + offset)u" } ?? "\(slot + offset)u"
  }
  func int(_ offset: Int) -> String { "MASK_INT(\(address(offset)))" }
  func word(_ offset: Int) -> String { "MASK_WORD(\(address(offset)))" }
  func moved(by offset: Int) -> Place { Place(base: base, slot: slot + offset) }
}

/// Writes expressions for masks, and the functions that they call.
private struct MaskWriter {
  private(set) var functions = ""
  /// Names of the functions of users and of `perHead`, by structure, and what they return.
  private var names: [String: String] = [:]

  /// The expression of `mask_live`.
  mutating func live(_ mask: AttentionMask, _ p: Place) -> String {
    switch mask {
    case .full: return "true"
    case .causal: return "mask_causal(query, key)"
    case .window: return "mask_window(\(p.int(0)), query, key)"
    case .sinks: return "mask_sinks(\(p.int(0)), key)"
    case .prefixLM: return "mask_prefix(\(p.int(0)), query, key)"
    case .dilated: return "mask_dilated(\(p.int(0)), \(p.int(1)), query, key)"
    case .blocks: return "mask_blocks(\(p.int(0)), \(p.word(1)), \(p.word(2)), \(p.word(3)), query, key)"
    case .documents: return "mask_documents(\(p.word(0)), \(p.word(1)), query, key)"
    case .tokens: return "mask_listed(\(p.word(0)), \(p.word(1)), key)"
    case .slash: return "mask_listed(\(p.word(0)), \(p.word(1)), query - key)"
    case .tree: return "mask_tree(\(p.int(0)), \(p.word(1)), \(p.word(2)), query, key)"
    case .shiftedGroups: return "mask_shifted(\(p.int(0)), \(p.word(1)), head, query, key)"
    case .span: return "mask_span(\(p.int(0)), \(p.word(1)), head, query, key, length)"
    case .user(let function): return "\(userFunction(function))(head, query, key, length)"
    case .perHead(let masks):
      return "\(choice("bool", mask, masks))(\(p.word(0)), head, query, key, length)"
    case .intersection(let a, let b): return "(\(live(a, p)) && \(live(b, p.moved(by: a.slotCount))))"
    case .union(let a, let b): return "(\(live(a, p)) || \(live(b, p.moved(by: a.slotCount))))"
    case .complement(let a): return "!\(live(a, p))"
    }
  }

  /// The expression of `mask_box`.
  mutating func box(_ mask: AttentionMask, _ p: Place) -> String {
    switch mask {
    case .full: return "MASK_ALL"
    case .causal: return "mask_causal_box(box)"
    case .window: return "mask_window_box(\(p.int(0)), box)"
    case .sinks: return "mask_sinks_box(\(p.int(0)), box)"
    case .prefixLM: return "mask_prefix_box(\(p.int(0)), box)"
    case .dilated: return "mask_dilated_box(\(p.int(0)), \(p.int(1)), box)"
    case .blocks: return "mask_blocks_box(\(p.int(0)), \(p.word(1)), \(p.word(2)), \(p.word(3)), box)"
    case .documents: return "mask_documents_box(\(p.word(0)), \(p.word(1)), box)"
    case .tokens: return "mask_listed_box(\(p.word(0)), \(p.word(1)), box.k0, box.k1)"
    case .slash:
      return "mask_listed_box(\(p.word(0)), \(p.word(1)), mask_nearest(box), mask_farthest(box))"
    case .tree: return "mask_tree_box(\(p.int(0)), \(p.word(2)), box)"
    case .shiftedGroups: return "mask_shifted_box(\(p.int(0)), \(p.word(1)), head, box)"
    case .span: return "mask_span_box(\(p.int(0)), \(p.word(1)), head, box, length)"
    // Nothing is known of a user's function but what it says of single keys.
    case .user: return "0u"
    case .perHead(let masks): return "\(choice("uint", mask, masks))(\(p.word(0)), head, box, length)"
    case .intersection(let a, let b): return "mask_and(\(box(a, p)), \(box(b, p.moved(by: a.slotCount))))"
    case .union(let a, let b): return "mask_or(\(box(a, p)), \(box(b, p.moved(by: a.slotCount))))"
    case .complement(let a): return "mask_not(\(box(a, p)))"
    }
  }

  private mutating func userFunction(_ function: MaskFunction) -> String {
    let key = AttentionMask.user(function).structure
    if let name = names[key] { return name }
    let name = "mask_user_\(names.count)"
    names[key] = name
    functions += UserExpression.function(
      "bool \(name)(uint head, int query, int key, int length)", expression: function.glsl,
      file: "mask \(function.name)", within: "Generated/mask.glsl")
    return name
  }

  /// The function of a `perHead` that takes the table's address and chooses the head's alternative.
  private mutating func choice(_ type: String, _ mask: AttentionMask, _ masks: [AttentionMask]) -> String {
    let key = "\(type) \(mask.structure)"
    if let name = names[key] { return name }
    let place = Place(base: "base", slot: 0)
    let alternatives = AttentionMask.alternatives(masks).map { type == "bool" ? live($0, place) : box($0, place) }
    let name = "mask_head_\(names.count)"
    names[key] = name
    let arguments = type == "bool" ? "int query, int key" : "MaskBox box"
    functions += """
      \(type) \(name)(uint table, uint head, \(arguments), int length) {
        const uint base = MASK_WORD(table + 2 * head + 1);
        \(type) result = \(type)(0);
        switch (MASK_WORD(table + 2 * head)) {
      \(alternatives.enumerated().map { "    case \($0)u: result = \($1); break;\n" }.joined())  }
        return result;
      }

      """
    return name
  }
}
