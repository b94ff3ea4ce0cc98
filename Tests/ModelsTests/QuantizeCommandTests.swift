import Foundation
import PumiceModelFiles
import PumiceModels
import PumiceTensors
import Testing

/// `pumice quantize` as a user runs it.
@Suite(.serialized) struct QuantizeCommandTests {
  private let command = CommandLineTests()

  /// A GGUF file of so many matrices of a million elements.
  private static func writeModel(_ path: String, matrices: Int) throws {
    var writer = GGUFWriter(), state: UInt64 = 5
    writer.metadata["general.architecture"] = .string("none")
    let halves = (0..<1 << 20).map { _ -> UInt16 in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float16(Float(Int64(bitPattern: state) >> 40) / 8_388_608).bitPattern.littleEndian
    }
    let bytes = halves.withUnsafeBytes { [UInt8]($0) }
    for index in 0..<matrices {
      writer.addTensor("blk.\(index).ffn_up.weight", shape: [1024, 1024], type: .f16, bytes: bytes)
    }
    try writer.write(to: path)
  }

  /// The files beside the input.
  private static func others(_ input: String) throws -> [String] {
    let folder = URL(fileURLWithPath: input).deletingLastPathComponent().path
    return try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0 != "in.gguf" }
  }

  private func demo(_ path: String) throws {
    let file = try DemoModel.open()
    var writer = GGUFWriter(metadata: file.metadata)
    for tensor in file.tensors {
      writer.addTensor(
        tensor.name, shape: tensor.shape, type: tensor.type, bytes: file.withBytes(of: tensor, Array.init))
    }
    try writer.write(to: path)
  }

  @Test func modelsAreConvertedThereAndBack() throws {
    try QuantizeTests.withPath("in.gguf") { input in
      try demo(input)
      let folder = input + "-folder", back = input + "-back.gguf"
      for (source, target, type) in [(input, folder, "g4:64"), (folder, back, "q8_0")] {
        let outcome = try command.run(["quantize", source, target, type])
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.hasPrefix("\(target): ") && outcome.output.contains("bits per weight"))
        // Where no terminal shows a bar, a line for each tenth.
        let tenths = outcome.errors.split(separator: "\n").filter { $0.hasSuffix(" %") }
        #expect(tenths.last == "100 %" && tenths.count > 3 && Set(tenths).count == tenths.count)
      }
      for model in [back, folder] {
        let text = try command.run(["run", model, "--temp", "0", "-n", "8", "-p", "Once upon a time"])
        #expect(text.code == 0 && text.output.hasPrefix("Once upon a time, there was a"), "\(text.errors)")
      }
      // A folder runs in the format that it has.
      let table = try command.run(["bench", "model", "-m", folder, "-p", "4", "-n", "0", "-r", "1"])
      #expect(table.code == 0 && table.output.contains("llama 2.6M G4:64"), "\(table.errors)\(table.output)")
      #expect(try command.run(["quantize", input, folder, "g4:64"]).errors.contains("the folder is not empty"))
    }
  }

  @Test(
    arguments: [
      (["g9:64"], "g9:64 is no type"), (["g2b:64:asym"], "g2b:64:asym is no type"), (["q9_0"], "q9_0 is no type"),
      (["q8_0", "--loftq-rank", "4"], "--loftq-rank is for folders"),
      (["g4:64", "--loftq-rank", "0"], "must be from 1"),
      (["g4:64", "--token-embedding-type", "q8_0"], "are for GGUF files"), (["auto"], "belong together"),
      (["nf4:auto"], "only groups"),
    ])
  func wrongUsage(arguments: [String], part: String) throws {
    try QuantizeTests.withPath("in.gguf") { input in
      try demo(input)
      try command.expectFailure(64, ["quantize", input, input + "-out"] + arguments, contains: part)
      #expect(try Self.others(input).isEmpty)
    }
  }

  @Test func modelsThatNoFolderHoldsAreRefused() throws {
    try QuantizeTests.withPath("in.gguf") { input in
      try Self.writeModel(input, matrices: 1)
      try command.expectFailure(1, ["quantize", input, input + "-out", "g4:64"], contains: "general.architecture")
      #expect(try Self.others(input).isEmpty)
    }
  }

  /// A running tool that prints nothing.
  private static func start(_ arguments: [String]) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: CommandLineTests.tool)
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    return process
  }

  /// Starts quantizing, interrupts it when it has begun to write, and expects that nothing is left.
  @Test func interruptionLeavesNothing() throws {
    try QuantizeTests.withPath("in.gguf") { input in
      try Self.writeModel(input, matrices: 64)
      let process = try Self.start(["quantize", input, input + "-out.gguf", "q2_k"])
      let limit = ContinuousClock.now + .seconds(60)
      while try Self.others(input).isEmpty, process.isRunning, ContinuousClock.now < limit { usleep(2000) }
      #expect(try Self.others(input).first?.hasSuffix(".partial") == true)
      kill(process.processIdentifier, SIGINT)
      process.waitUntilExit()
      #expect(process.terminationReason == .exit && process.terminationStatus == 1)
      #expect(try Self.others(input).isEmpty)
    }
  }

  /// The memory of the process itself, without the mapped file, while it quantizes 96 MiB in matrices of 2 MiB.
  @Test func memoryIsThatOfAMatrix() throws {
    try QuantizeTests.withPath("in.gguf") { input in
      try Self.writeModel(input, matrices: 48)
      let process = try Self.start(["quantize", input, input + "-out.gguf", "q4_k"])
      var most = 0
      while process.isRunning {
        let status = try? String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
        let line = status?.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
        most = max(most, line.flatMap { Int($0.filter(\.isNumber)) } ?? 0)
        usleep(5000)
      }
      #expect(process.terminationStatus == 0)
      // In KiB. All matrices as 64-bit numbers would take 384 MiB.
      #expect(most > 1000 && most < 80_000)
    }
  }
}
