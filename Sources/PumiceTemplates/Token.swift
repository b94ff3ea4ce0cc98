/// A piece of a template.
struct Token: Sendable {
  enum Kind: Hashable, Sendable {
    /// What stands outside of tags.
    case text(String)
    case outputBegin, outputEnd
    case blockBegin, blockEnd
    case name(String)
    case string(String)
    case integer(Int)
    case number(Double)
    /// An operator or a bracket.
    case symbol(String)
    case end
  }

  var kind: Kind
  var position: Position

  /// What it is, for messages.
  var name: String {
    switch kind {
    case .text: "text"
    case .outputBegin: "“{{”"
    case .outputEnd: "“}}”"
    case .blockBegin: "“{%”"
    case .blockEnd: "“%}”"
    case .name(let name): "“\(name)”"
    case .string: "a string"
    case .integer, .number: "a number"
    case .symbol(let symbol): "“\(symbol)”"
    case .end: "the end of the template"
    }
  }
}
