import Foundation

/// Reads lines: on a terminal with editing and history, elsewhere as they come.
struct LineEditor {
  let isTerminal = isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1
  private var history: LineHistory
  private var line: [Character] = []
  private var cursor = 0

  init(history: LineHistory) { self.history = history }

  /// The next line without its end; nil at the end of the input.
  mutating func readLine(prompt: String) -> String? {
    guard isTerminal else { return Swift.readLine() }
    guard let text = edit(prompt) else { return nil }
    history.append(text)
    return text
  }

  // MARK: Keys

  private enum Key: Equatable {
    case character(Character)
    case left, right, up, down, home, end, delete, backspace
    case enter, endOfInput, interrupt, closed
    case toStart, toEnd, word, redraw, other
  }

  private mutating func edit(_ prompt: String) -> String? {
    var saved = termios()
    guard tcgetattr(STDIN_FILENO, &saved) == 0 else { return Swift.readLine() }
    var raw = saved
    raw.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG | IEXTEN)
    raw.c_iflag &= ~tcflag_t(IXON | ICRNL)
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw)
    defer { tcsetattr(STDIN_FILENO, TCSADRAIN, &saved) }

    (line, cursor) = ([], 0)
    /// The lines to go through, the last of them the one that is being written.
    var lines = history.lines + [""]
    var index = lines.count - 1
    show(prompt)
    while true {
      let key = nextKey()
      switch key {
      case .enter:
        cursor = line.count
        show(prompt)
        print("\n")
        return String(line)
      case .endOfInput where line.isEmpty:
        print("\n")
        return nil
      case .closed:
        // The terminal has gone: no key will come any more.
        return line.isEmpty ? nil : String(line)
      case .interrupt:
        // As in a shell: the line is given up, and the program goes on.
        print("^C\n")
        (line, cursor) = ([], 0)
      case .up, .down:
        lines[index] = String(line)
        index = min(max(index + (key == .up ? -1 : 1), 0), lines.count - 1)
        line = Array(lines[index])
        cursor = line.count
      default: apply(key)
      }
      show(prompt)
    }
  }

  private mutating func apply(_ key: Key) {
    switch key {
    case .character(let character):
      // A combining mark joins the character before it.
      let before = String(line[..<cursor]) + String(character), rest = line[cursor...]
      line = Array(before) + rest
      cursor = line.count - rest.count
    case .left: cursor = max(0, cursor - 1)
    case .right: cursor = min(line.count, cursor + 1)
    case .home: cursor = 0
    case .end: cursor = line.count
    case .backspace where cursor > 0:
      cursor -= 1
      line.remove(at: cursor)
    case .delete, .endOfInput: if cursor < line.count { line.remove(at: cursor) }
    case .toStart:
      line.removeSubrange(..<cursor)
      cursor = 0
    case .toEnd: line.removeSubrange(cursor...)
    case .word:
      let blanks = line[..<cursor].reversed().prefix { $0 == " " }.count
      let letters = line[..<(cursor - blanks)].reversed().prefix { $0 != " " }.count
      line.removeSubrange((cursor - blanks - letters)..<cursor)
      cursor -= blanks + letters
    default: break
    }
  }

  private func nextByte() -> UInt8? {
    var byte: UInt8 = 0
    while true {
      let count = read(STDIN_FILENO, &byte, 1)
      if count == 1 { return byte }
      guard count < 0, errno == EINTR else { return nil }
    }
  }

  private func nextKey() -> Key {
    guard let byte = nextByte() else { return .closed }
    switch byte {
    case 1: return .home
    case 2: return .left
    case 3: return .interrupt
    case 4: return .endOfInput
    case 5: return .end
    case 6: return .right
    case 8, 127: return .backspace
    case 10, 13: return .enter
    case 11: return .toEnd
    case 12: return .redraw
    case 14: return .down
    case 16: return .up
    case 21: return .toStart
    case 23: return .word
    case 27: return escape()
    case 0..<32: return .other
    case 0..<128: return .character(Character(Unicode.Scalar(byte)))
    default:
      var bytes = [byte]
      for _ in 1..<(byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2) { bytes += nextByte().map { [$0] } ?? [] }
      return String(decoding: bytes, as: UTF8.self).first.map { .character($0) } ?? .other
    }
  }

  /// The rest of an escape sequence: `ESC [ A`, `ESC O H`, `ESC [ 3 ~` and the like.
  private func escape() -> Key {
    guard let kind = nextByte(), kind == UInt8(ascii: "[") || kind == UInt8(ascii: "O") else { return .other }
    var number = ""
    while let byte = nextByte() {
      switch byte {
      case UInt8(ascii: "A"): return .up
      case UInt8(ascii: "B"): return .down
      case UInt8(ascii: "C"): return .right
      case UInt8(ascii: "D"): return .left
      case UInt8(ascii: "H"): return .home
      case UInt8(ascii: "F"): return .end
      case UInt8(ascii: "~"): return ["1": Key.home, "7": .home, "3": .delete, "4": .end, "8": .end][number] ?? .other
      case UInt8(ascii: "0")...UInt8(ascii: ";"): number.unicodeScalars.append(Unicode.Scalar(byte))
      default: return .other
      }
    }
    return .other
  }

  // MARK: Display

  private func print(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

  /// Shows the part of the line around the cursor that the width of the terminal holds.
  private func show(_ prompt: String) {
    var size = winsize()
    let hasSize = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 8
    let room = (hasSize ? Int(size.ws_col) : 80) - prompt.count - 1
    var first = cursor, used = 0
    while first > 0, used + Self.width(line[first - 1]) <= room {
      first -= 1
      used += Self.width(line[first])
    }
    let column = prompt.count + used
    var last = cursor
    while last < line.count, used + Self.width(line[last]) <= room {
      used += Self.width(line[last])
      last += 1
    }
    print("\r\u{1b}[K\(prompt)\(String(line[first..<last]))\r\u{1b}[\(column)C")
  }

  /// Columns of a character: two for East Asian wide ones and emoji.
  /// Source: the blocks that are wide in Unicode's EastAsianWidth.
  private static func width(_ character: Character) -> Int {
    guard let scalar = character.unicodeScalars.first else { return 0 }
    if scalar.properties.isEmojiPresentation { return 2 }
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }
}
