import PumiceGPU
import PumiceKernels
public import PumiceOperators

/// The verdict on every variant of the operators asked for.
public struct VerificationReport: Codable, Sendable {
  /// One operator's variant.
  public struct Row: Codable, Sendable {
    public var name: OperatorName
    public var variant: String
    public var cases: Int
    /// The largest error as a share of its bound; nil if no case ran or one failed.
    public var worstShare: Double?
    public var failures: [String]
    /// Why the variant could run nothing on this device.
    public var unavailable: String?
    /// Problems that the variant does not take, by reason.
    public var refused: [String: Int]

    public var verdict: String {
      if unavailable != nil { return "unavailable" }
      if !failures.isEmpty { return "FAILED" }
      return cases == 0 ? "no case" : "ok"
    }
  }

  public var device: String
  public var driver: String
  public var seed: UInt64
  public var rows: [Row]
  public var seconds: Double

  public var cases: Int { rows.reduce(0) { $0 + $1.cases } }
  /// True if cases ran and none failed, and no variant that can run here was left without a case.
  public var passed: Bool {
    cases > 0 && rows.allSatisfy { $0.failures.isEmpty && ($0.cases > 0 || $0.unavailable != nil) }
  }
}

extension Verifier {
  /// Verifies the variants of the operators that match the filters, and puts failing ones in quarantine.
  ///
  /// - Parameters:
  ///   - names: the operators; all if empty.
  ///   - variant: only variants of this name.
  ///   - seed: makes the data.
  ///   - progress: called with each finished row.
  public func verify(
    _ names: [OperatorName] = [], variant: String? = nil, seed: UInt64 = 1,
    progress: (VerificationReport.Row) -> Void = { _ in }
  ) throws -> VerificationReport {
    let clock = ContinuousClock()
    let start = clock.now
    let info = kernels.device.info
    var report = VerificationReport(
      device: info.name, driver: "\(info.driverName) \(info.driverInfo)", seed: seed, rows: [], seconds: 0)
    for name in names.isEmpty ? OperatorName.allCases : names {
      report.rows += try verify(name.verifiable, variant: variant, seed: seed, progress: progress)
    }
    let elapsed = (clock.now - start).components
    report.seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
    return report
  }

  private func verify<Op: Verifiable>(
    _ type: Op.Type, variant filter: String?, seed: UInt64, progress: (VerificationReport.Row) -> Void
  ) throws -> [VerificationReport.Row] {
    let info = kernels.device.info
    let variants = Op.variants.filter { filter == nil || $0.name == filter }
    var rows = variants.map {
      VerificationReport.Row(
        name: Op.name, variant: $0.name, cases: 0, worstShare: nil, failures: [], unavailable: $0.unavailable(on: info),
        refused: [:])
    }
    guard rows.contains(where: { $0.unavailable == nil }) else {
      rows.forEach(progress)
      return rows
    }
    for verificationCase in Op.cases(seed: seed) {
      let prepared = Prepared(verificationCase)
      for (index, variant) in variants.enumerated() where rows[index].unavailable == nil {
        switch try run(prepared, variant: variant) {
        case .passed(let share):
          rows[index].cases += 1
          rows[index].worstShare = max(rows[index].worstShare ?? 0, share)
        case .failed(let message):
          rows[index].cases += 1
          rows[index].failures.append(message)
        case .unavailable(let reason): rows[index].refused[reason, default: 0] += 1
        }
      }
    }
    for (index, variant) in variants.enumerated() where rows[index].unavailable == nil {
      if !rows[index].failures.isEmpty { rows[index].worstShare = nil }
      try kernels.quarantine.update(
        Op.name, variant: variant.name, hash: kernels.shaderHash(variant), device: info,
        reason: rows[index].failures.first)
    }
    rows.forEach(progress)
    return rows
  }
}
