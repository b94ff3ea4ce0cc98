extension AttentionMask {
  /// Whether a query of `head` sees a key: the definition that every lowering is held against.
  ///
  /// - Parameters:
  ///   - head: the query head, of `heads`.
  ///   - query: position of the query, not negative.
  ///   - key: position of the key, not negative.
  ///   - length: N of `span`: the length of the sequence.
  /// - Precondition: the mask is valid for `heads`.
  public func isLive(head: Int, heads: Int, query: Int, key: Int, length: Int) -> Bool {
    switch self {
    case .full: return true
    case .causal: return key <= query
    case .window(let n): return abs(query - key) < n
    case .sinks(let n): return key < n
    case .dilated(let window, let stride):
      let distance = abs(query - key)
      return distance % stride == 0 && distance / stride < window
    case .blocks(let list):
      let row = query / list.size
      guard row + 1 < list.rows.count else { return false }
      return list.columns[list.rows[row]..<list.rows[row + 1]].containsSorted(key / list.size)
    case .prefixLM(let n): return key < n || key <= query
    case .documents(let starts): return starts[...].countSorted(upTo: query) == starts[...].countSorted(upTo: key)
    case .tree(let start, let parents): return key < start || Self.isAncestor(key - start, of: query - start, parents)
    case .tokens(let positions): return positions[...].containsSorted(key)
    case .slash(let offsets): return offsets[...].containsSorted(query - key)
    case .shiftedGroups(let size):
      let shift = head < heads / 2 ? 0 : size / 2
      return (query + shift) / size == (key + shift) / size
    case .perHead(let masks):
      return masks[head].isLive(head: head, heads: heads, query: query, key: key, length: length)
    case .span(let spans, let block):
      let alpha = Int((Double(spans[head].alpha) / Double(block)).rounded(.down))
      let reach = max(1, alpha + spans[head].scaledBeta * length / 65536 / block)
      return abs(query / block - key / block) < reach
    case .user(let function): return function.evaluate(head, query, key, length)
    case .intersection(let a, let b):
      return a.isLive(head: head, heads: heads, query: query, key: key, length: length)
        && b.isLive(head: head, heads: heads, query: query, key: key, length: length)
    case .union(let a, let b):
      return a.isLive(head: head, heads: heads, query: query, key: key, length: length)
        || b.isLive(head: head, heads: heads, query: query, key: key, length: length)
    case .complement(let a): return !a.isLive(head: head, heads: heads, query: query, key: key, length: length)
    }
  }

  /// Whether `node` is met on the way from `descendant` to its root, both ends included.
  private static func isAncestor(_ node: Int, of descendant: Int, _ parents: [Int]) -> Bool {
    var current = descendant
    while parents.indices.contains(current) {
      if current == node { return true }
      current = parents[current]
    }
    return false
  }

  /// Whether it may let one head see what it hides from another.
  public var dependsOnHead: Bool {
    switch self {
    case .full, .causal, .window, .sinks, .dilated, .blocks, .prefixLM, .documents, .tree, .tokens, .slash: false
    case .shiftedGroups, .perHead, .span, .user: true
    case .intersection(let a, let b), .union(let a, let b): a.dependsOnHead || b.dependsOnHead
    case .complement(let a): a.dependsOnHead
    }
  }

  /// Whether it depends on the length of the sequence.
  public var dependsOnLength: Bool {
    switch self {
    case .full, .causal, .window, .sinks, .dilated, .blocks, .prefixLM, .documents, .tree, .tokens, .slash,
      .shiftedGroups:
      false
    case .span, .user: true
    case .perHead(let masks): masks.contains(where: \.dependsOnLength)
    case .intersection(let a, let b), .union(let a, let b): a.dependsOnLength || b.dependsOnLength
    case .complement(let a): a.dependsOnLength
    }
  }
}

extension ArraySlice<Int> {
  /// How many numbers of the sorted list are at most `value`.
  fileprivate func countSorted(upTo value: Int) -> Int {
    var low = startIndex
    var high = endIndex
    while low < high {
      let middle = (low + high) / 2
      if self[middle] <= value { low = middle + 1 } else { high = middle }
    }
    return low - startIndex
  }

  /// Whether the sorted list holds `value`.
  fileprivate func containsSorted(_ value: Int) -> Bool {
    let count = countSorted(upTo: value)
    return count > 0 && self[startIndex + count - 1] == value
  }
}
