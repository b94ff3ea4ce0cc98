/// What a pattern asks of one Unicode scalar.
struct ScalarSet: Sendable {
  /// General categories, a bit each, and White_Space above them.
  struct Classes: OptionSet, Hashable, Sendable {
    let rawValue: UInt32

    static let space = Classes(rawValue: 1 << 31)

    /// - Parameter category: the short name of a general category, or its first letter for all that begin with it.
    init?(category name: String) {
      var bits: UInt32 = 0
      for (index, category) in Self.names.enumerated() where category.hasPrefix(name) {
        bits |= 1 << UInt32(index)
      }
      guard bits != 0, !name.isEmpty else { return nil }
      rawValue = bits
    }

    init(rawValue: UInt32) { self.rawValue = rawValue }

    init(of scalar: Unicode.Scalar) {
      let properties = scalar.properties
      self = Classes(rawValue: 1 << UInt32(Self.index(of: properties.generalCategory)))
      if properties.isWhitespace { insert(.space) }
    }

    private static let names = [
      "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe",
      "Pi", "Pf", "Po", "Sm", "Sc",
      "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn",
    ]

    private static func index(of category: Unicode.GeneralCategory) -> Int {
      switch category {
      case .uppercaseLetter: 0
      case .lowercaseLetter: 1
      case .titlecaseLetter: 2
      case .modifierLetter: 3
      case .otherLetter: 4
      case .nonspacingMark: 5
      case .spacingMark: 6
      case .enclosingMark: 7
      case .decimalNumber: 8
      case .letterNumber: 9
      case .otherNumber: 10
      case .connectorPunctuation: 11
      case .dashPunctuation: 12
      case .openPunctuation: 13
      case .closePunctuation: 14
      case .initialPunctuation: 15
      case .finalPunctuation: 16
      case .otherPunctuation: 17
      case .mathSymbol: 18
      case .currencySymbol: 19
      case .modifierSymbol: 20
      case .otherSymbol: 21
      case .spaceSeparator: 22
      case .lineSeparator: 23
      case .paragraphSeparator: 24
      case .control: 25
      case .format: 26
      case .surrogate: 27
      case .privateUse: 28
      default: 29
      }
    }
  }

  var classes: Classes = []
  var ranges: [ClosedRange<UInt32>] = []
  /// Scalars of none of these classes are members as well: `\S`, `\P{L}`.
  var others: [Classes] = []
  var isNegated = false

  func contains(_ scalar: Unicode.Scalar, _ classes: Classes) -> Bool {
    let isMember =
      !self.classes.isDisjoint(with: classes) || ranges.contains { $0.contains(scalar.value) }
      || others.contains { $0.isDisjoint(with: classes) }
    return isMember != isNegated
  }
}
