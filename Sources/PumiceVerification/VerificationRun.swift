import PumiceGPU
import PumiceKernels
public import PumiceOperators

/// What to verify.
public struct VerificationRequest: Sendable {
  /// The operators; all if empty.
  public var names: [OperatorName] = []
  /// Only variants of this name.
  public var variant: String?
  /// Only cases whose description contains this text.
  public var caseFilter: String?
  /// Makes the data.
  public var seed: UInt64 = 1

  public init(_ names: [OperatorName] = [], variant: String? = nil, caseFilter: String? = nil, seed: UInt64 = 1) {
    self.names = names
    self.variant = variant
    self.caseFilter = caseFilter
    self.seed = seed
  }
}

/// How far a verification is.
public enum VerificationProgress: Sendable {
  case started(OperatorName, cases: Int)
  /// So many of the operator's cases have run.
  case ran(OperatorName, cases: Int, of: Int)
  case finished(VerificationReport.Row)
}

extension Verifier {
  /// Verifies the variants of the operators that were asked for. Variants that fail go into quarantine, and those that
  /// pass all their cases leave it.
  ///
  /// - Throws: `GPUError` where the device or its memory is lost; the variant that lost the device is then in quarantine.
  public func verify(
    _ request: VerificationRequest = VerificationRequest(), progress: (VerificationProgress) -> Void = { _ in }
  ) throws -> VerificationReport {
    let names = request.names.isEmpty ? OperatorName.allCases : request.names
    let clock = ContinuousClock()
    let start = clock.now
    let info = kernels.device.info
    var report = VerificationReport(
      device: info.name, driver: "\(info.driverName) \(info.driverInfo)", seed: request.seed,
      caseFilter: request.caseFilter, comparesBarriers: serialized != nil, rows: [], seconds: 0)
    for name in names { report.rows += try verify(name.type, request, progress) }
    report.seconds = (clock.now - start) / .seconds(1)
    return report
  }

  private func verify<Op: Verifiable>(
    _ type: Op.Type, _ request: VerificationRequest, _ progress: (VerificationProgress) -> Void
  ) throws -> [VerificationReport.Row] {
    let info = kernels.device.info
    let variants = Op.variants.filter { request.variant == nil || $0.name == request.variant }
    let cases = Op.cases(seed: request.seed).filter { one in
      request.caseFilter.map { one.description.contains($0) } ?? true
    }
    var rows = variants.map {
      VerificationReport.Row(name: Op.name, variant: $0.name, unavailable: $0.unavailable(on: info))
    }
    if !variants.isEmpty { progress(.started(Op.name, cases: cases.count)) }
    for (done, verificationCase) in cases.enumerated() where rows.contains(where: { $0.unavailable == nil }) {
      let prepared = Prepared(verificationCase)
      for (index, variant) in variants.enumerated() where rows[index].unavailable == nil {
        do {
          rows[index].add(try run(prepared, variant: variant), of: verificationCase.description)
        } catch {
          if (error as? GPUError)?.code == .deviceLost {
            try quarantine(variant, "\(verificationCase): \(error)")
          }
          throw error
        }
      }
      progress(.ran(Op.name, cases: done + 1, of: cases.count))
    }
    for (index, variant) in variants.enumerated() {
      if let failure = rows[index].failures.first {
        try quarantine(variant, "\(failure.verificationCase): \(failure.message)")
      } else if rows[index].cases > 0, request.caseFilter == nil {
        try quarantine(variant, nil)
      }
      progress(.finished(rows[index]))
    }
    return rows
  }

  private func quarantine<Op: Verifiable>(_ variant: Variant<Op>, _ reason: String?) throws {
    try kernels.quarantine.update(
      Op.name, variant: variant.name, hash: kernels.shaderHash(variant), device: kernels.device.info, reason: reason)
  }
}

extension VerificationReport.Row {
  mutating func add(_ outcome: Verifier.Outcome, of verificationCase: String) {
    switch outcome {
    case .passed(let share):
      cases += 1
      worstShare = failed > 0 ? nil : max(worstShare ?? 0, share)
    case .failed(let message):
      cases += 1
      failed += 1
      worstShare = nil
      if failures.count < Self.kept {
        failures.append(VerificationReport.Failure(verificationCase: verificationCase, message: message))
      }
    case .refused(let reason): refused[reason, default: 0] += 1
    }
  }
}
