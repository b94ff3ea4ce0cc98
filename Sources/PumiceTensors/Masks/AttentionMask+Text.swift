import Foundation

/// The text form: `causal & (sinks(4) | window(1024))`. `!` binds tightest, then `&`, then `|`.
///
/// ```
/// full   causal   window(n)   sinks(n)   dilated(window, stride)   prefixLM(n)   shiftedGroups(size)
/// blocks(size, [0], [0, 1], [0, 2])      the blocks of keys of each block of queries
/// documents(100, 250)                    where documents after the first begin
/// tree(start, -1, 0, 0, 1)               the parent of each node
/// tokens(0-3, 17)   vertical(0-3, 17)   slash(0-99, 256)
/// perHead(causal, window(64))            a mask for each head
/// span(512+0.5N, 1024)                   a window for each head; span(block 64, 512+0.5N, 1024) in blocks
/// user(name)                             a registered function
/// ```
///
/// What `description` writes, `init(_:)` reads as the same value.
extension AttentionMask: MaskText {
  public var description: String {
    switch self {
    case .full, .causal: kind
    case .window(let n), .sinks(let n), .prefixLM(let n), .shiftedGroups(let n): "\(kind)(\(n))"
    case .dilated(let window, let stride): "\(kind)(\(window), \(stride))"
    case .blocks(let list):
      "\(kind)(\(([String(list.size)] + list.lists.map { "[\(Self.runs($0))]" }).joined(separator: ", ")))"
    case .documents(let list), .tokens(let list), .slash(let list): "\(kind)(\(Self.runs(list)))"
    case .tree(let start, let parents): "\(kind)(\(([start] + parents).map(String.init).joined(separator: ", ")))"
    case .perHead(let masks): "\(kind)(\(masks.map(\.description).joined(separator: ", ")))"
    case .span(let spans, let block):
      "\(kind)(\(((block == 1 ? [] : ["block \(block)"]) + spans.map(\.description)).joined(separator: ", ")))"
    case .user(let function): "\(kind)(\(function.name))"
    case .intersection(let a, let b): "\(a.text(within: 2)) & \(b.text(within: 3))"
    case .union(let a, let b): "\(a.text(within: 1)) | \(b.text(within: 2))"
    case .complement(let a): "!\(a.text(within: 3))"
    }
  }

  /// How tightly its operator binds.
  private var precedence: Int {
    switch self {
    case .union: 1
    case .intersection: 2
    default: 3
    }
  }

  private func text(within precedence: Int) -> String {
    self.precedence < precedence ? "(\(description))" : description
  }

  /// A list with runs of three and more as `first-last`.
  static func runs(_ list: [Int]) -> String {
    var parts: [String] = []
    var i = 0
    while i < list.count {
      var end = i
      while end + 1 < list.count, list[i] >= 0, list[end + 1] == list[end] + 1 { end += 1 }
      if end >= i + 2 {
        parts.append("\(list[i])-\(list[end])")
        i = end + 1
      } else {
        parts.append(String(list[i]))
        i += 1
      }
    }
    return parts.joined(separator: ", ")
  }

  /// The mask that a text stands for.
  ///
  /// - Throws: `MaskSyntaxError`, which points at the mistake.
  public init(parsing text: String) throws(MaskSyntaxError) {
    var parser = MaskParser(text)
    self = try parser.mask()
    try parser.end()
  }
}

extension HeadSpan: CustomStringConvertible {
  /// `512+0.5N`; 16 digits after the point write every multiple of 2⁻¹⁶.
  public var description: String {
    if beta == 0 { return String(alpha) }
    var share = String(format: "%.16f", beta)
    while share.last == "0" { share.removeLast() }
    if share.last == "." { share.removeLast() }
    return "\(alpha)+\(share)N"
  }
}
