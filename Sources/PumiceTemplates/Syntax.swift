/// An expression of a template.
final class Expression: Sendable {
  /// How deep expressions may be nested.
  static let maximumDepth = 120

  enum Literal: Sendable {
    case none
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
  }

  enum Operator: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case floorDivide = "//"
    case modulo = "%"
    case power = "**"
  }

  enum Comparison: String, Sendable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case `in` = "in"
    case notIn = "not in"
  }

  /// The arguments of a call. `spread` are the elements of a list, `namedSpread` those of a dictionary.
  struct Arguments: Sendable {
    var positional: [Expression] = []
    var named: [(name: String, value: Expression)] = []
    var spread: Expression?
    var namedSpread: Expression?

    var expressions: [Expression] { positional + named.map(\.value) + [spread, namedSpread].compactMap { $0 } }
  }

  enum Kind: Sendable {
    case literal(Literal)
    case name(String)
    case list([Expression], isTuple: Bool)
    case dictionary([(key: Expression, value: Expression)])
    case attribute(Expression, String)
    case element(Expression, Expression)
    case slice(Expression, from: Expression?, to: Expression?, step: Expression?)
    case call(Expression, Arguments)
    /// Without an input it is applied to a block.
    case filter(Expression?, String, Arguments)
    case test(Expression, String, Arguments)
    case negative(Expression)
    case positive(Expression)
    case not(Expression)
    case binary(Operator, Expression, Expression)
    case concatenation([Expression])
    case and(Expression, Expression)
    case or(Expression, Expression)
    case comparison(Expression, [(Comparison, Expression)])
    case conditional(Expression, then: Expression, otherwise: Expression?)
  }

  let kind: Kind
  let position: Position
  private let depth: Int

  /// - Throws: `limit` if it is nested too deep.
  init(_ kind: Kind, _ position: Position) throws {
    let depth = 1 + (Self.children(kind).map(\.depth).max() ?? 0)
    guard depth <= Self.maximumDepth else {
      throw Fault(.limit, "this expression is nested more than \(Self.maximumDepth) deep").at(position)
    }
    self.kind = kind
    self.position = position
    self.depth = depth
  }

  private static func children(_ kind: Kind) -> [Expression] {
    switch kind {
    case .literal, .name: []
    case .list(let all, _), .concatenation(let all): all
    case .dictionary(let pairs): pairs.flatMap { [$0.key, $0.value] }
    case .attribute(let a, _), .negative(let a), .positive(let a), .not(let a): [a]
    case .element(let a, let b), .binary(_, let a, let b), .and(let a, let b), .or(let a, let b): [a, b]
    case .slice(let a, let from, let to, let step): [a, from, to, step].compactMap { $0 }
    case .call(let a, let arguments), .test(let a, _, let arguments): [a] + arguments.expressions
    case .filter(let a, _, let arguments): (a.map { [$0] } ?? []) + arguments.expressions
    case .comparison(let a, let others): [a] + others.map(\.1)
    case .conditional(let a, let then, let otherwise): [a, then] + (otherwise.map { [$0] } ?? [])
    }
  }
}

/// What a value is given to.
indirect enum Target: Sendable {
  case name(String)
  /// An attribute of a namespace.
  case attribute(String, String)
  case several([Target])
}

/// A statement of a template, and the place where it begins.
struct Statement: Sendable {
  indirect enum Kind: Sendable {
    case text(String)
    case output(Expression)
    case choice([(condition: Expression, body: [Statement])], otherwise: [Statement])
    case loop(Loop)
    case set(Target, Expression)
    /// The output of a block, through filters.
    case setBlock(Target, filter: Expression?, [Statement])
    case macro(Macro)
    /// A call of a macro that may call a block.
    case call(Expression, block: Macro)
    case filter(Expression, [Statement])
    case with([(Target, Expression)], [Statement])
    /// A block with variables of its own.
    case scope([Statement])
    case stop, next
  }

  struct Loop: Sendable {
    var target: Target
    var source: Expression
    var condition: Expression?
    var body: [Statement]
    var otherwise: [Statement]
  }

  final class Macro: Sendable {
    let name: String
    let parameters: [(name: String, value: Expression?)]
    let body: [Statement]
    /// Which of the further arguments it asks for: `varargs`, `kwargs`, `caller`. Others must not be given.
    let extras: Set<String>

    init(
      name: String, parameters: [(name: String, value: Expression?)], body: [Statement], extras: Set<String>
    ) {
      self.name = name
      self.parameters = parameters
      self.body = body
      self.extras = extras
    }
  }

  var kind: Kind
  var position: Position
}
