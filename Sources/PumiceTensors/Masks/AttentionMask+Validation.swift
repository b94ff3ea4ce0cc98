extension AttentionMask {
  /// Throws unless the mask means something for `heads` query heads and positions below `positions`: lists ascend and lie in
  /// range, numbers are not negative, what is given for each head is given for all.
  ///
  /// - Parameter positions: how many positions there are, where that is known; a mask may not speak of others.
  public func validate(heads: Int, positions: Int = AttentionMask.limit) throws(AttentionMaskError) {
    let last = min(positions, Self.limit) - 1
    switch self {
    case .full, .causal: break
    case .window(let n), .sinks(let n), .prefixLM(let n): try number("n", n, 0...Self.limit - 1)
    case .dilated(let window, let stride):
      try number("stride", stride, 1...Self.limit - 1)
      try number("window", window, 0...Self.limit / stride - 1)
    case .blocks(let list): try validate(list, last)
    case .documents(let starts): try sorted("starts", starts, 0...last)
    case .tree(let start, let parents):
      try number("start", start, 0...last + 1)
      if parents.count > last + 1 - start {
        throw .count(
          mask: kind, list: "parents", count: parents.count,
          expected: "there are \(last + 1 - start) positions from \(start) on")
      }
      for (node, parent) in parents.enumerated() where parent < -1 || parent >= node {
        throw .entry(mask: kind, list: "parents", index: node, value: parent, allowed: -1...node - 1)
      }
    case .tokens(let positions): try sorted("positions", positions, 0...last)
    case .slash(let offsets): try sorted("offsets", offsets, 0...last)
    case .shiftedGroups(let size): try number("size", size, 1...Self.limit - 1)
    case .perHead(let masks):
      try headCount(masks.count, heads)
      for mask in masks { try mask.validate(heads: heads, positions: positions) }
    case .span(let spans, let block):
      try number("block", block, 1...Self.limit - 1)
      try headCount(spans.count, heads)
      for (head, span) in spans.enumerated() {
        if !(span.beta >= 0 && span.beta <= 1) { throw .share(mask: kind, head: head, value: span.beta) }
        try number("α of head \(head)", span.alpha, 1 - Self.limit...Self.limit - 1)
      }
    case .user(let function): try function.validate()
    case .intersection(let a, let b), .union(let a, let b):
      try a.validate(heads: heads, positions: positions)
      try b.validate(heads: heads, positions: positions)
    case .complement(let a): try a.validate(heads: heads, positions: positions)
    }
  }

  private func validate(_ list: BlockList, _ last: Int) throws(AttentionMaskError) {
    try number("size", list.size, 1...Self.limit - 1)
    let blocks = max(0, last / list.size)
    guard list.rows.first == 0, list.rows.last == list.columns.count else {
      throw .count(
        mask: kind, list: "columns", count: list.columns.count,
        expected: "rows begin at \(list.rows.first.map(String.init) ?? "nothing") and end at "
          + "\(list.rows.last.map(String.init) ?? "nothing")")
    }
    if list.rows.count - 1 > blocks + 1 {
      throw .count(
        mask: kind, list: "rows", count: list.rows.count - 1,
        expected: "\(last + 1) positions make \(blocks + 1) blocks of \(list.size)")
    }
    for row in list.rows.indices.dropLast() where list.rows[row] > list.rows[row + 1] {
      throw .unsorted(
        mask: kind, list: "rows", index: row + 1, value: list.rows[row + 1], previous: list.rows[row])
    }
    for row in list.rows.indices.dropLast() {
      try sorted("columns", list.columns[list.rows[row]..<list.rows[row + 1]], 0...blocks)
    }
  }

  private func number(_ name: String, _ value: Int, _ allowed: ClosedRange<Int>) throws(AttentionMaskError) {
    if !allowed.contains(value) { throw .number(mask: kind, name: name, value: value, allowed: allowed) }
  }

  private func headCount(_ lists: Int, _ heads: Int) throws(AttentionMaskError) {
    if lists != heads { throw .headCount(mask: kind, lists: lists, heads: heads) }
  }

  private func sorted(_ list: String, _ values: [Int], _ allowed: ClosedRange<Int>) throws(AttentionMaskError) {
    try sorted(list, values[...], allowed)
  }

  private func sorted(
    _ list: String, _ values: ArraySlice<Int>, _ allowed: ClosedRange<Int>
  ) throws(AttentionMaskError) {
    for (index, value) in zip(values.indices, values) {
      if !allowed.contains(value) {
        throw .entry(mask: kind, list: list, index: index, value: value, allowed: allowed)
      }
      if index > values.startIndex, values[index - 1] >= value {
        throw .unsorted(mask: kind, list: list, index: index, value: value, previous: values[index - 1])
      }
    }
  }

  /// The name of the kind in the text form.
  var kind: String {
    switch self {
    case .full: "full"
    case .causal: "causal"
    case .window: "window"
    case .sinks: "sinks"
    case .dilated: "dilated"
    case .blocks: "blocks"
    case .prefixLM: "prefixLM"
    case .documents: "documents"
    case .tree: "tree"
    case .tokens: "tokens"
    case .slash: "slash"
    case .shiftedGroups: "shiftedGroups"
    case .perHead: "perHead"
    case .span: "span"
    case .user: "user"
    case .intersection: "&"
    case .union: "|"
    case .complement: "!"
    }
  }
}
