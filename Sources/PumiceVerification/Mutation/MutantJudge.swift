public import PumiceGPU
import PumiceKernels
import PumiceOperators
import PumiceShaders
import PumiceTensors

/// Runs mutants over the cases of the operators that use their file, until one fails.
///
/// A mutant may write anywhere, so this belongs into a process that may die: see `MutationRun`.
public final class MutantJudge {
  private let device: Device
  private let verifier: Verifier
  private let seed: UInt64
  /// Seconds after which no further case of a mutant begins; nil for all cases.
  private let limit: Double?
  /// Prepared cases by operator: the reference is computed once for all mutants.
  private var benches: [OperatorName: any MutationBench] = [:]
  /// Called from time to time while a mutant is judged, so that a watcher can tell work from a hang.
  public var heartbeat: () -> Void = {}

  public init(device: Device, seed: UInt64, secondsPerMutant limit: Double? = nil) {
    self.device = device
    self.seed = seed
    self.limit = limit
    verifier = Verifier(kernels: KernelLibrary(device: device))
  }

  /// The verdict, and whether the unchanged shader still passes the case that was last run: if not, the mutant has
  /// damaged this process and nothing that it says from here on counts.
  ///
  /// - Throws: `GPUError` if the unchanged shaders cannot run.
  public func judge(_ mutant: Mutant) throws -> (verdict: MutantVerdict, processIsSound: Bool) {
    let mutated = KernelLibrary(device: device, overrides: [mutant.path: mutant.text])
    var result = MutantVerdict(.equivalent, reason: "every bit of every output is the same", cases: 0)
    let end = limit.map { ContinuousClock.now + .seconds($0) }
    for name in OperatorName.allCases {
      let bench = try bench(name)
      let (verdict, sound) = try bench.judge(mutant, mutated, until: end, heartbeat)
      guard let verdict else { continue }
      let cases = result.cases + verdict.cases
      if verdict.kind != .equivalent { result = verdict }
      result.cases = cases
      if verdict.kind == .caught || verdict.kind == .invalid || !sound { return (result, sound) }
    }
    return (result, true)
  }

  private func bench(_ name: OperatorName) throws -> any MutationBench {
    if let known = benches[name] { return known }
    let made = try makeBench(name.type)
    benches[name] = made
    return made
  }

  private func makeBench<Op: Verifiable>(_ type: Op.Type) throws -> any MutationBench {
    try OperatorBench<Op>(verifier: verifier, seed: seed)
  }
}

/// The cases of one operator, ready for any number of mutants.
private protocol MutationBench {
  /// The verdict, nil if the operator does not use the mutant's file; and whether the process is sound after it.
  func judge(
    _ mutant: Mutant, _ mutated: KernelLibrary, until end: ContinuousClock.Instant?, _ heartbeat: () -> Void
  ) throws -> (verdict: MutantVerdict?, processIsSound: Bool)
}

private final class OperatorBench<Op: Verifiable>: MutationBench {
  private let verifier: Verifier
  private let variants: [(variant: Variant<Op>, files: Set<String>)]
  private var cases: [Verifier.Prepared<Op>?]
  private let descriptions: [VerificationCase<Op>]
  /// What the unchanged shader makes of a case.
  private var originals: [String: [UInt32]] = [:]

  init(verifier: Verifier, seed: UInt64) throws {
    self.verifier = verifier
    let info = verifier.kernels.device.info
    variants = try Op.variants.filter { $0.unavailable(on: info) == nil }.map { variant in
      (variant, Set(try variant.shaders.flatMap { try ShaderLibrary.files(of: $0) }))
    }
    // Problems in any order, one kind of data after the other, so that every sort of problem is met early.
    var random = RandomSource(seed: seed, label: Op.name.rawValue)
    let shuffled = Op.cases(seed: seed).shuffled(using: &random)
    descriptions = Op.dataKinds.flatMap { kind in shuffled.filter { $0.data == kind } }
    cases = Array(repeating: nil, count: descriptions.count)
  }

  private func prepared(_ index: Int) -> Verifier.Prepared<Op> {
    if let known = cases[index] { return known }
    let made = Verifier.Prepared(descriptions[index])
    cases[index] = made
    return made
  }

  func judge(
    _ mutant: Mutant, _ mutated: KernelLibrary, until end: ContinuousClock.Instant?, _ heartbeat: () -> Void
  ) throws -> (verdict: MutantVerdict?, processIsSound: Bool) {
    let users = variants.filter { $0.files.contains(mutant.path) }.map(\.variant)
    guard !users.isEmpty else { return (nil, true) }
    var changes = StepChanges(original: verifier.kernels, mutated: mutated, path: mutant.path)
    var ran = 0
    var survivor: MutantVerdict?
    for index in cases.indices {
      let op = descriptions[index].op
      if let end, .now > end {
        let verdict = MutantVerdict(.unfinished, reason: "every bit is the same in \(ran) cases", cases: ran)
        return (survivor ?? verdict, true)
      }
      for variant in users where variant.unavailable(op, on: verifier.kernels.device.info) == nil {
        heartbeat()
        let place = "\(Op.name.rawValue) \(variant.name)"
        switch try changes.change(variant.plan(op, verifier.kernels.device.info)) {
        case .none: continue
        case .invalid(let message): return (MutantVerdict(.invalid, place: place, reason: message, cases: ran), true)
        case .changed: break
        }
        let prepared = prepared(index)
        let original = try original(prepared, variant, index)
        ran += 1
        let found: [UInt32]
        do {
          found = try verifier.execute(prepared, variant: variant, on: mutated)
        } catch let error as GPUError {
          let verdict = MutantVerdict(
            .caught, place: place, reason: "\(prepared.verificationCase): \(error)", cases: ran)
          return (verdict, error.code != .deviceLost)
        }
        guard found != original else { continue }
        let (share, failure) = verifier.compare(found, with: prepared, rounding: variant.rounding)
        if let failure {
          let verdict = MutantVerdict(
            .caught, place: place, reason: "\(prepared.verificationCase): \(failure)", cases: ran)
          return (verdict, try verifier.execute(prepared, variant: variant) == original)
        }
        survivor = MutantVerdict(
          .survived, place: place, reason: "\(prepared.verificationCase): \(share) of the bound", cases: ran)
      }
    }
    survivor?.cases = ran
    return (survivor ?? MutantVerdict(.equivalent, reason: "every bit is the same", cases: ran), true)
  }

  private func original(_ prepared: Verifier.Prepared<Op>, _ variant: Variant<Op>, _ index: Int) throws -> [UInt32] {
    let key = "\(variant.name) \(index)"
    if let known = originals[key] { return known }
    let image = try verifier.execute(prepared, variant: variant)
    let (_, failure) = verifier.compare(image, with: prepared, rounding: variant.rounding)
    if let failure {
      throw MutationError.originalFails("\(Op.name.rawValue) \(variant.name) \(prepared.verificationCase)", failure)
    }
    originals[key] = image
    return image
  }
}

/// Whether a mutation reaches the SPIR-V of a step at all: many are in branches of the preprocessor that are not taken.
private struct StepChanges {
  enum Change {
    case none, changed
    case invalid(String)
  }

  let original: KernelLibrary
  let mutated: KernelLibrary
  /// The file that differs.
  let path: String
  private var known: [Key: Change] = [:]
  private var users: [String: Bool] = [:]

  private struct Key: Hashable {
    let shader: String, defines: [String: String], generated: [String: String]
  }

  init(original: KernelLibrary, mutated: KernelLibrary, path: String) {
    self.original = original
    self.mutated = mutated
    self.path = path
  }

  mutating func change(_ plan: Plan) throws -> Change {
    var result = Change.none
    for step in plan.steps {
      switch try change(step) {
      case .none: continue
      case .changed: result = .changed
      case .invalid(let message): return .invalid(message)
      }
    }
    return result
  }

  private mutating func change(_ step: Step) throws -> Change {
    // A variant has several shaders, and few cases may need the one that differs.
    let isUser = try users[step.shader] ?? ShaderLibrary.files(of: step.shader).contains(path)
    users[step.shader] = isUser
    guard isUser else { return .none }
    let key = Key(shader: step.shader, defines: step.defines, generated: step.generated)
    if let change = known[key] { return change }
    let change: Change
    do {
      let compiler = mutated.device.compiler
      let same =
        try compiler.compile(mutated.description(of: step).source)
        == compiler.compile(original.description(of: step).source)
      change = same ? .none : .changed
    } catch let error as GPUError where error.code == .shaderCompilation {
      change = .invalid(error.detail)
    }
    known[key] = change
    return change
  }
}

/// Why mutants cannot be judged.
public enum MutationError: Error, CustomStringConvertible {
  case originalFails(String, String)

  public var description: String {
    switch self {
    case .originalFails(let place, let failure):
      "\(place) fails without any mutation, so that mutants of it cannot be judged: \(failure)"
    }
  }
}
