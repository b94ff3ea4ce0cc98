import PumiceGPU
import PumiceKernels
import PumiceOperators
import Testing

@testable import PumiceVerification

/// What happens to a variant whose shader is wrong on this device.
@Suite struct QuarantineTests {
  /// A softmax that is wrong where a subgroup reduces, and right otherwise.
  private func brokenSoftmax() throws -> [String: String] {
    try broken(
      "Softmax/softmax.comp", "#include \"Common/reduce.glsl\"",
      """
      #include "Common/reduce.glsl"
      #ifdef REDUCE_SUBGROUP
      #define exp(x) (1.001 * exp(x))
      #define reduce_add(x) (1.002 * reduce_add(x))
      #endif
      """)
  }

  @Test func aFailingVariantIsNotChosenUntilItPasses() throws {
    try withDevice { device, folder in
      let quarantine = Quarantine(folder: folder)
      let bad = KernelLibrary(device: device, quarantine: quarantine, overrides: try brokenSoftmax())
      let op = Softmax(rows: 4, width: 8)
      #expect(try bad.choose(op).name == "subgroup_per_row")

      let report = try Verifier(kernels: bad).verify(VerificationRequest([.softmax]))
      #expect(!report.passed)
      let row = try #require(report.rows.first { $0.variant == "subgroup_per_row" })
      #expect(row.verdict == "FAILED")
      #expect(row.failed > 0 && row.failures.count == VerificationReport.Row.kept)
      #expect(report.rows.first { $0.variant == "workgroup_per_row" }?.verdict == "ok")
      #expect(try bad.choose(op).name == "workgroup_per_row")

      // Another process reads the same from the disk.
      let entries = Quarantine(folder: folder).entries(for: device.info)
      #expect(entries.map(\.variant) == ["subgroup_per_row"])
      #expect(entries.first?.reason.hasPrefix(row.failures[0].verificationCase) == true)

      // The verdict is about this text: the right shader is trusted at once, and after it passed the entry is gone.
      let good = KernelLibrary(device: device, quarantine: quarantine)
      #expect(try good.choose(op).name == "subgroup_per_row")
      #expect(try Verifier(kernels: good).verify(VerificationRequest([.softmax])).passed)
      #expect(Quarantine(folder: folder).entries(for: device.info).isEmpty)
    }
  }

  @Test func oneCaseCanAccuseButNotAcquit() throws {
    try withDevice { device, folder in
      let quarantine = Quarantine(folder: folder)
      let bad = KernelLibrary(device: device, quarantine: quarantine, overrides: try brokenSoftmax())
      let one = VerificationRequest([.softmax], caseFilter: "softmax(3×33")
      #expect(try Verifier(kernels: bad).verify(one).passed == false)
      #expect(quarantine.entries(for: device.info).count == 1)
      let good = KernelLibrary(device: device, quarantine: quarantine)
      #expect(try Verifier(kernels: good).verify(one).passed)
      #expect(quarantine.entries(for: device.info).count == 1)
    }
  }

  @Test func whenNoneIsLeftTheReasonsAreGiven() throws {
    try withDevice { device, _ in
      let library = KernelLibrary(
        device: device, overrides: try broken("Activation/activation.comp", "gate.v[i]", "gate.v[i] + 1.0"))
      #expect(try Verifier(kernels: library).verify(VerificationRequest([.activation])).passed == false)
      let error = #expect(throws: KernelError.self) { _ = try library.choose(Activation(.silu, count: 3, gated: true)) }
      #expect(error?.description.contains("in quarantine") == true)
    }
  }
}
