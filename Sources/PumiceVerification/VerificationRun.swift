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
  /// Only a part of each operator's cases.
  var part: Part?
  /// Variants to leave out.
  var lost: [LostVariant] = []

  /// One of so many equal parts of a list; neighbours are together, because they share pipelines.
  struct Part: Codable, Sendable {
    var index: Int
    var count: Int

    func range(of length: Int) -> Range<Int> { length * index / count..<length * (index + 1) / count }
  }

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
  /// The variant is about to run the case.
  case runs(OperatorName, variant: String, case: String)
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
    var report = emptyReport(request)
    for name in names { report.rows += try verify(name.type, request, progress) }
    report.seconds = (clock.now - start) / .seconds(1)
    return report
  }

  func emptyReport(_ request: VerificationRequest) -> VerificationReport {
    let info = kernels.device.info
    return VerificationReport(
      device: info.name, driver: "\(info.driverName) \(info.driverInfo)", seed: request.seed,
      caseFilter: request.caseFilter, comparesBarriers: serialized != nil, rows: [], seconds: 0)
  }

  private func verify<Op: Verifiable>(
    _ type: Op.Type, _ request: VerificationRequest, _ progress: (VerificationProgress) -> Void
  ) throws -> [VerificationReport.Row] {
    let info = kernels.device.info
    let variants = Op.variants.filter { variant in
      (request.variant == nil || variant.name == request.variant)
        && !request.lost.contains { $0.name == Op.name && $0.variant == variant.name }
    }
    var cases = Op.cases(seed: request.seed).filter { one in
      request.caseFilter.map { one.description.contains($0) } ?? true
    }
    if let part = request.part { cases = Array(cases[part.range(of: cases.count)]) }
    var rows = variants.map {
      VerificationReport.Row(name: Op.name, variant: $0.name, unavailable: $0.unavailable(on: info))
    }
    if !variants.isEmpty { progress(.started(Op.name, cases: cases.count)) }
    for (done, verificationCase) in cases.enumerated() where rows.contains(where: { $0.unavailable == nil }) {
      let prepared = Prepared(verificationCase)
      for (index, variant) in variants.enumerated() where rows[index].unavailable == nil {
        progress(.runs(Op.name, variant: variant.name, case: verificationCase.description))
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
    if request.part == nil { try settle(type, rows, allCases: request.caseFilter == nil) }
    for row in rows { progress(.finished(row)) }
    return rows
  }

  /// Puts variants that failed in quarantine, and lets those go that passed all their cases.
  func settle(_ rows: [VerificationReport.Row], allCases: Bool) throws {
    for name in OperatorName.allCases {
      try settle(name.type, rows.filter { $0.name == name }, allCases: allCases)
    }
  }

  private func settle<Op: Verifiable>(_ type: Op.Type, _ rows: [VerificationReport.Row], allCases: Bool) throws {
    for variant in Op.variants {
      guard let row = rows.first(where: { $0.variant == variant.name }) else { continue }
      if let failure = row.failures.first {
        try quarantine(variant, "\(failure.verificationCase): \(failure.message)")
      } else if row.cases > 0, allCases {
        try quarantine(variant, nil)
      }
    }
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
