extension FolderFamily {
  /// What becomes of a layer's tensor.
  ///
  /// - Parameter name: without `.weight` and the like.
  /// - Returns: what stands before its name in GGUF, and the number that `#` in its name stands for; nil for no place.
  func target(of name: String) -> (prefix: String, target: FolderTarget, number: Int?)? {
    let name = withoutPrefix(name)
    if let target = outer[String(name)] { return ("", target, nil) }
    guard let (layer, inLayer) = divided(name) else { return nil }
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

  /// The number of the layer that a tensor is in; nil outside of layers.
  func layer(of name: String) -> Int? { divided(withoutPrefix(name))?.layer }

  private func withoutPrefix(_ name: String) -> Substring {
    prefixes.first(where: name.hasPrefix).map { name.dropFirst($0.count) } ?? name[...]
  }

  private func divided(_ name: Substring) -> (layer: Int, inLayer: Substring)? {
    let start = layers.prefix { $0 != "#" }
    guard name.hasPrefix(start) else { return nil }
    let rest = name.dropFirst(start.count)
    guard let dot = rest.firstIndex(of: "."), let layer = Self.number(rest[..<dot]) else { return nil }
    return (layer, rest[rest.index(after: dot)...])
  }

  private static func number(_ text: Substring) -> Int? {
    guard let number = Int(text), number >= 0, String(number) == text else { return nil }
    return number
  }
}
