import PumiceGPU
public import PumiceOperators

/// How fast one variant ran one problem.
public struct BenchmarkResult: Codable, Sendable {
  public var name: OperatorName
  public var problem: String
  public var variant: String
  public var device: String
  public var driver: String
  /// Of one run, in microseconds.
  public var medianMicroseconds: Double
  public var leastMicroseconds: Double
  public var runs: Int
  public var clock: BenchmarkClock
  /// Bytes that the operator must move at least, per second, in 10⁹.
  public var gbPerSecond: Double
  public var gflops: Double
  /// Copies of the large arguments that the runs go through in turn, and their bytes together.
  public var copies: Int
  public var rotatingBytes: Int
  /// Output elements that were compared with the reference before, and the largest error as a share of its bound.
  public var verifiedElements: Int
  public var worstShare: Double
  /// The larger of the shares of the device's copy bandwidth and of its multiply-add peak; nil if neither was measured.
  public var shareOfLimit: Double?
  /// What that share is of: `memory` or `compute`.
  public var limit: String?

  enum CodingKeys: String, CodingKey {
    case name = "operator"
    case problem, variant, device, driver
    case medianMicroseconds = "median_us"
    case leastMicroseconds = "min_us"
    case runs, clock
    case gbPerSecond = "gb_per_s"
    case gflops, copies
    case rotatingBytes = "rotating_bytes"
    case verifiedElements = "verified_elements"
    case worstShare = "worst_share_of_bound"
    case shareOfLimit = "share_of_limit"
    case limit
  }
}
