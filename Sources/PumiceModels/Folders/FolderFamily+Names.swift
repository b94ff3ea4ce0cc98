extension FolderFamily {
  /// What becomes of a layer's tensor.
  ///
  /// - Parameter name: without `.weight` and the like.
  /// - Returns: what stands before its name in GGUF, and the number that `#` in its name stands for; nil for no place.
  func target(of name: String) -> (prefix: String, target: FolderTarget, number: Int?)? {
    var name = name[...]
    if let prefix = prefixes.first(where: name.hasPrefix) { name = name.dropFirst(prefix.count) }
    if let target = outer[String(name)] { return ("", target, nil) }
    let start = layers.prefix { $0 != "#" }
    guard name.hasPrefix(start) else { return nil }
    name = name.dropFirst(start.count)
    guard let dot = name.firstIndex(of: "."), let layer = Self.number(name[..<dot]) else { return nil }
    let inLayer = name[name.index(after: dot)...]
    let prefix = "blk.\(layer)."
    if let target = inner[String(inLayer)] { return (prefix, target, nil) }
    var parts = inLayer.split(separator: ".", omittingEmptySubsequences: false)
    for (index, part) in parts.enumerated() {
      guard let number = Self.number(part) else { continue }
      parts[index] = "#"
      return inner[parts.joined(separator: ".")].map { (prefix, $0, number) }
    }
    return nil
  }

  private static func number(_ text: Substring) -> Int? {
    guard let number = Int(text), number >= 0, String(number) == text else { return nil }
    return number
  }
}
