/// One command buffer of a list: what is in it, and how much work that is.
struct CommandPiece {
  let buffer: OpaquePointer
  private(set) var cost = 0.0
  private(set) var name = ""
  private var labels: [String] = []
  private var count = 0

  init(buffer: OpaquePointer) { self.buffer = buffer }

  mutating func add(_ label: String, cost: Double) {
    self.cost += cost
    count += 1
    if labels.count < 16, labels.last != label { labels.append(label) }
  }

  /// Gives the piece the name under which it is reported when the device is lost in it.
  mutating func close(_ list: String, _ index: Int, of pieces: Int) {
    name = pieces == 1 ? list : "\(list), piece \(index + 1) of \(pieces)"
    let noun = count == 1 ? "command" : "commands"
    if count > 0 {
      name += " (\(count) \(noun): \(labels.joined(separator: ", "))\(labels.count == 16 ? ", …" : ""))"
    }
  }
}
