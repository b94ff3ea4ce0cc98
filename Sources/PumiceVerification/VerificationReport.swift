import PumiceKernels
public import PumiceOperators

/// The verdict on every variant of the operators asked for.
public struct VerificationReport: Codable, Sendable {
  /// One operator's variant.
  public struct Row: Codable, Sendable {
    public var name: OperatorName
    public var variant: String
    /// Cases that ran.
    public var cases = 0
    public var failed = 0
    /// The largest error as a share of its bound; nil if no case ran or one failed.
    public var worstShare: Double?
    /// The first failures, in full.
    public var failures: [Failure] = []
    /// Why the variant can run nothing on this device.
    public var unavailable: String?
    /// How many cases the variant does not take, by reason.
    public var refused: [String: Int] = [:]

    /// Failures kept in full; the rest are only counted.
    static let kept = 5

    /// Adds what the variant made of other cases.
    mutating func add(_ other: Row) {
      cases += other.cases
      failed += other.failed
      failures = Array((failures + other.failures).prefix(Self.kept))
      worstShare = failed > 0 ? nil : [worstShare, other.worstShare].compactMap(\.self).max()
      refused.merge(other.refused, uniquingKeysWith: +)
    }

    public var verdict: String {
      if unavailable != nil { return "unavailable" }
      if failed > 0 { return "FAILED" }
      return cases == 0 ? "no case" : "ok"
    }
  }

  /// One case that failed.
  public struct Failure: Codable, Sendable {
    /// As `pumice verify --case` takes it.
    public var verificationCase: String
    public var message: String

    enum CodingKeys: String, CodingKey {
      case verificationCase = "case"
      case message
    }
  }

  public var device: String
  public var driver: String
  public var seed: UInt64
  /// The case asked for, if not all.
  public var caseFilter: String?
  /// Whether every case also ran with a barrier before every dispatch.
  public var comparesBarriers: Bool
  public var rows: [Row]
  public var seconds: Double

  /// Adds what was found of other cases, in the order of operators and variants.
  mutating func add(_ others: [Row]) {
    for other in others {
      if let index = rows.firstIndex(where: { $0.name == other.name && $0.variant == other.variant }) {
        rows[index].add(other)
      } else {
        rows.append(other)
      }
    }
    func place(_ row: Row) -> (Int, Int) {
      (OperatorName.allCases.firstIndex(of: row.name)!, row.name.type.variantNames.firstIndex(of: row.variant) ?? 0)
    }
    rows.sort { place($0) < place($1) }
  }

  public var cases: Int { rows.reduce(0) { $0 + $1.cases } }
  public var failed: Int { rows.reduce(0) { $0 + $1.failed } }

  /// Variants that can run here and of which no case ran: nobody knows whether they are right.
  public var untested: [Row] {
    caseFilter == nil ? rows.filter { $0.cases == 0 && $0.unavailable == nil } : []
  }

  /// True if cases ran and none failed, and no variant that can run here was left without a case.
  public var passed: Bool { cases > 0 && failed == 0 && untested.isEmpty }
}
