import Foundation
import PumiceGPU
import PumiceKernels
import PumiceOperators
import PumiceShaders
import PumiceTensors
import Testing

@testable import PumiceVerification

@Suite struct VerifierTests {
  private func verdict<Op: Verifiable>(
    _ op: Op, _ variant: String, data: DataKind = .normal, overrides: [String: String]
  ) throws -> String? {
    try withDevice { device, _ in
      let library = KernelLibrary(device: device, overrides: overrides)
      let prepared = Verifier.Prepared(VerificationCase(op, data: data, seed: 1))
      switch try Verifier(kernels: library).run(prepared, variant: library.variant(variant, of: op)) {
      case .passed: return nil
      case .failed(let message): return message
      case .refused(let reason): return "refused: \(reason)"
      }
    }
  }

  @Test func aRightShaderPasses() throws {
    #expect(try verdict(Activation(.silu, count: 65, gated: true), "thread_per_element", overrides: [:]) == nil)
  }

  @Test func anElementThatIsNotWrittenIsFound() throws {
    let overrides = try broken("Activation/activation.comp", "i >= count ||", "i + 1 >= count ||")
    let message = try verdict(Activation(.silu, count: 65, gated: true), "thread_per_element", overrides: overrides)
    #expect(message?.hasPrefix("y[64] is -nan") == true || message?.hasPrefix("y[64] is nan") == true)
  }

  @Test func aWriteBehindTheEndIsFound() throws {
    let overrides = try broken("Activation/activation.comp", "i >= count ||", "")
    let message = try verdict(Activation(.silu, count: 60, gated: true), "thread_per_element", overrides: overrides)
    #expect(message == "a guard word 240 bytes from the start of y was overwritten")
  }

  @Test func anInputThatIsWrittenIsFound() throws {
    let text = try ShaderLibrary.text("Softmax/softmax.comp")
      .replacingOccurrences(of: "BUFFER(0, readonly,", with: "BUFFER(0, readwrite,")
      .replacingOccurrences(of: "void main() {", with: "void main() {\n  x.v[0] = 0.0;")
    let message = try verdict(
      Softmax(rows: 1, width: 5), "workgroup_per_row", overrides: ["Softmax/softmax.comp": text])
    #expect(message == "the input x at word 0 was overwritten")
  }

  @Test func aShaderThatDoesNotCompileIsAFailureWithItsLine() throws {
    let text = try ShaderLibrary.text("ArgMax/argmax.comp")
      .replacingOccurrences(of: "void main() {", with: "void main() {\n  this does not compile")
    let message = try verdict(
      ArgMax(rows: 1, width: 5), "workgroup_per_row", overrides: ["ArgMax/argmax.comp": text])
    #expect(message?.contains("ArgMax/argmax.comp:") == true)
  }

  /// The bound must be tight enough to see one product of 4,096, wherever it is and whatever the format.
  @Test(arguments: [TensorFormat.f32, .f16, .q8_0, .q4_0]) func oneDroppedProductOf4096IsFound(
    _ format: TensorFormat
  ) throws {
    let op = MatMul(m: 7, n: 1, k: 4096, weight: format)
    let overrides = try broken("MatMul/matmul_naive.comp", "l < k", "l + 1 < k")
    #expect(try verdict(op, "thread_per_element", data: .equal, overrides: [:]) == nil)
    let message = try verdict(op, "thread_per_element", data: .equal, overrides: overrides)
    #expect(message?.hasPrefix("y[") == true)
  }

  @Test func barriersEverywhereGiveTheSameBits() throws {
    try withDevice { device, folder in
      var options = device.options
      options.barrierEverywhere = true
      let apart = KernelLibrary(device: try Device.open(options: options))
      let report = try Verifier(kernels: KernelLibrary(device: device), serialized: apart)
        .verify(VerificationRequest([.rmsNorm], caseFilter: "17×129"))
      #expect(report.passed && report.comparesBarriers)
    }
  }

  @Test func noCaseIsAFailure() throws {
    try withDevice { device, _ in
      let report = try Verifier(kernels: KernelLibrary(device: device))
        .verify(VerificationRequest([.activation], caseFilter: "no such case"))
      #expect(report.cases == 0)
      #expect(!report.passed)
    }
  }

  @Test func aVariantWithoutACaseIsAFailure() {
    var report = VerificationReport(
      device: "", driver: "", seed: 1, caseFilter: nil, comparesBarriers: false,
      rows: [.init(name: .rope, variant: "tested", cases: 3), .init(name: .rope, variant: "untested")], seconds: 0)
    #expect(report.untested.map(\.variant) == ["untested"])
    #expect(!report.passed)
    report.rows[1].unavailable = "the device lacks something"
    #expect(report.passed)
  }
}
