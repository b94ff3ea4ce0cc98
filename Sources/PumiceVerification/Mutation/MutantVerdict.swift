/// What became of a mutant.
public struct MutantVerdict: Codable, Sendable {
  public enum Kind: String, Codable, Sendable, CaseIterable {
    /// A case failed, or the mutant crashed, hung, or was refused by the device.
    case caught
    /// Every bit of every output of every case is the same as without it, on this device.
    case equivalent
    /// Every bit is the same in the cases that ran before its time was up.
    case unfinished
    /// It does not compile.
    case invalid
    /// Some bits differ, and every case passes: the verification is too weak.
    case survived
  }

  public var kind: Kind
  /// The operator and variant whose case failed, or of the largest share of a bound for a survivor.
  public var place: String?
  /// What the case said, or why there is none.
  public var reason: String
  /// Cases that ran.
  public var cases: Int

  public init(_ kind: Kind, place: String? = nil, reason: String, cases: Int) {
    self.kind = kind
    self.place = place
    self.reason = reason
    self.cases = cases
  }
}
