import Foundation
import PumiceGPU
import PumiceKernels
import PumiceOperators
import Testing

@testable import PumiceVerification

@Suite struct ParallelVerificationTests {
  @Test func partsAreAllCasesOnce() {
    for (length, count) in [(0, 3), (1, 8), (7, 3), (100, 16)] {
      let parts = (0..<count).map { VerificationRequest.Part(index: $0, count: count).range(of: length) }
      #expect(parts.flatMap(\.self) == Array(0..<length))
    }
  }

  @Test func partsTogetherFindWhatTheWholeFinds() throws {
    try withDevice { device, _ in
      let verifier = Verifier(kernels: KernelLibrary(device: device))
      var request = VerificationRequest([.rmsNorm, .softmax])
      let whole = try verifier.verify(request)
      var report = verifier.emptyReport(request)
      for index in [2, 0, 1] {
        request.part = .init(index: index, count: 3)
        report.add(try verifier.verify(request).rows)
      }
      #expect(report.cases == whole.cases && report.rows.map(\.variant) == whole.rows.map(\.variant))
      #expect(report.rows.map(\.worstShare) == whole.rows.map(\.worstShare))
    }
  }

  /// A process that crashes over a variant until it is told to leave that out.
  private func shell(_ beforeItKnows: String) -> [String] {
    let place = #".{"name":"softmax","variant":"subgroup_per_row","verificationCase":"softmax(3×5)"}"#
    let script = """
      echo ready
      while read -r question; do
        case $question in
          *'"lost":[]'*) echo '\(place)'; \(beforeItKnows) ;;
          *) echo '{"rows":[{"name":"softmax","variant":"workgroup_per_row","cases":2,"failed":0,"failures":[],\
      "worstShare":0.5,"refused":{}}],"validationMessages":[]}' ;;
        esac
      done
      """
    return ["/bin/sh", "-c", script]
  }

  @Test(arguments: [("kill -SEGV $$", "signal 11"), ("exec sleep 60", "hung")])
  func aProcessThatIsLostFailsItsVariant(_ end: String, _ reason: String) throws {
    try withDevice { device, folder in
      let quarantine = Quarantine(folder: folder)
      let verifier = Verifier(kernels: KernelLibrary(device: device, quarantine: quarantine))
      var run = ParallelVerification(workerCommand: shell(end), processes: 2)
      run.patience = 1
      let (report, _) = try run.run(VerificationRequest([.softmax]), verifier) { _, _ in }
      #expect(report.rows.map(\.variant) == ["subgroup_per_row", "workgroup_per_row"])
      // Both processes may meet it before either is known to be lost.
      #expect((1...2).contains(report.rows[0].failed) && report.rows[0].worstShare == nil)
      let failure = try #require(report.rows[0].failures.first)
      #expect(failure.verificationCase == "softmax(3×5)" && failure.message.contains(reason))
      #expect(report.rows[1].cases == 32 && report.rows[1].failed == 0 && !report.passed)
      #expect(quarantine.entries(for: device.info).map(\.variant) == ["subgroup_per_row"])
    }
  }

  @Test func aProcessThatEndsByItselfIsAnErrorWithItsWords() throws {
    try withDevice { device, _ in
      let verifier = Verifier(kernels: KernelLibrary(device: device))
      for script in ["echo no memory >&2; exit 3", "echo ready; read -r q; echo no memory >&2; exit 3"] {
        let run = ParallelVerification(workerCommand: ["/bin/sh", "-c", script], processes: 2)
        let error = #expect(throws: WorkerError.self) {
          try run.run(VerificationRequest([.softmax]), verifier) { _, _ in }
        }
        #expect(error?.reason == "no memory")
      }
    }
  }
}
