import Foundation

/// The program `glslc`, as a shader compiler of last resort.
struct GlslcProgram: Sendable {
  let path: String

  /// The program on PATH.
  static func find() -> GlslcProgram? {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    for folder in path.split(separator: ":") {
      let candidate = "\(folder)/glslc"
      if FileManager.default.isExecutableFile(atPath: candidate) { return GlslcProgram(path: candidate) }
    }
    return nil
  }

  /// First line of `glslc --version`.
  var version: String {
    guard let output = try? run(["--version"], input: ""), output.status == 0 else { return "glslc" }
    return String(decoding: output.output, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? "glslc"
  }

  func compile(_ source: ShaderSource, optimize: Bool) -> Result<[UInt8], GPUError> {
    var arguments = ["-fshader-stage=compute", "--target-env=vulkan1.3", optimize ? "-O" : "-O0"]
    for (name, value) in source.defines.sorted(by: { $0.key < $1.key }) { arguments.append("-D\(name)=\(value)") }
    arguments += ["-o", "-", "-"]
    do {
      let output = try run(arguments, input: source.text)
      if output.status == 0 { return .success(output.output) }
      // It calls its standard input <stdin>.
      let message = String(decoding: output.errors, as: UTF8.self).replacing("<stdin>", with: source.name)
      return .failure(GPUError(compilation: source.name, message: message))
    } catch {
      return .failure(
        GPUError(
          code: .noShaderCompiler, operation: "compiling \(source.name)", detail: "\(path) does not start: \(error)"))
    }
  }

  private func run(
    _ arguments: [String], input: String
  ) throws -> (status: Int32, output: [UInt8], errors: [UInt8]) {
    // Files, not pipes: nothing can block however long the text or the messages are.
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pumice-glslc-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = ["in", "out", "err"].map { folder.appendingPathComponent($0) }
    try Data(input.utf8).write(to: files[0])
    for file in files.dropFirst() { try Data().write(to: file) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.standardInput = try FileHandle(forReadingFrom: files[0])
    process.standardOutput = try FileHandle(forWritingTo: files[1])
    process.standardError = try FileHandle(forWritingTo: files[2])
    try process.run()
    process.waitUntilExit()
    return (process.terminationStatus, [UInt8](try Data(contentsOf: files[1])), [UInt8](try Data(contentsOf: files[2])))
  }
}
