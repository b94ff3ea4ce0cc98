import Foundation
import Logging
import Synchronization

/// Compiles GLSL to SPIR-V for Vulkan 1.3, and keeps the outcome on disk. Safe to use from several threads.
public final class ShaderCompiler: Sendable {
  private enum Backend {
    case library(ShadercLibrary)
    case program(GlslcProgram)
  }

  /// What compiles: the file of libshaderc, `linked`, or the path of glslc; or why there is no compiler.
  public let origin: String
  private let backend: Backend?
  private let identity: String
  private let cache: DiskCache
  private let memory = Mutex<[UInt128: [UInt32]]>([:])
  private let compiling = Mutex<Int>(0)

  /// - Parameters:
  ///   - choice: a path of libshaderc or glslc, `linked` or `glslc`; nil takes the first that works.
  init(choice: String?, cache: DiskCache) throws(GPUError) {
    self.cache = cache
    let (backend, reasons) = try Self.choose(choice)
    self.backend = backend
    switch backend {
    case .library(let library): origin = library.origin
    case .program(let program): origin = program.path
    case nil: origin = "none (\(reasons.joined(separator: "; ")))"
    }
    identity = Self.identity(backend, origin)
  }

  /// Version of the compiler, as far as it tells.
  public var version: String {
    switch backend {
    case .library(let library): library.version
    case .program(let program): program.version
    case nil: "none"
    }
  }

  /// Whether there is a compiler at all; without one only shaders in the cache can be used.
  public var isAvailable: Bool { backend != nil }

  /// How many shaders this object really compiled, rather than found in memory or on disk.
  var compilationCount: Int { compiling.withLock { $0 } }

  private static func choose(_ choice: String?) throws(GPUError) -> (Backend?, [String]) {
    func forced(_ detail: String) -> GPUError {
      GPUError(code: .noShaderCompiler, operation: "choosing the shader compiler \(choice ?? "")", detail: detail)
    }
    switch choice {
    case "linked":
      guard let library = ShadercLibrary.linked() else {
        throw forced("the program was built without the static archives")
      }
      return (.library(library), [])
    case "glslc":
      guard let program = GlslcProgram.find() else { throw forced("no program of that name is on PATH") }
      return (.program(program), [])
    case let path?:
      if path.split(separator: "/").last?.hasPrefix("glslc") == true {
        guard FileManager.default.isExecutableFile(atPath: path) else { throw forced("no such program") }
        return (.program(GlslcProgram(path: path)), [])
      }
      return (.library(try ShadercLibrary.open(path).get()), [])
    case nil:
      var reasons: [String] = []
      switch shared {
      case .success(let library): return (.library(library), [])
      case .failure(let error): reasons.append(error.detail)
      }
      if let library = linked { return (.library(library), []) }
      if let program = GlslcProgram.find() { return (.program(program), []) }
      reasons.append("no static archive is linked")
      reasons.append("no program glslc is on PATH")
      return (nil, reasons)
    }
  }

  private static let shared = ShadercLibrary.open("libshaderc.so.1")
  private static let linked = ShadercLibrary.linked()

  /// What a cache entry depends on besides the text: which compiler, and in which state its file is.
  private static func identity(_ backend: Backend?, _ origin: String) -> String {
    guard let backend else { return "none" }
    let attributes = try? FileManager.default.attributesOfItem(atPath: origin)
    let size = attributes?[.size] as? Int ?? 0
    let date = (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
    switch backend {
    case .library(let library): return "library \(library.origin) \(size) \(date) \(library.version)"
    case .program(let program): return "program \(program.path) \(size) \(date)"
    }
  }

  /// The SPIR-V of a shader, from memory, from disk or from the compiler.
  ///
  /// - Throws: `shaderCompilation` with the compiler's message, which names file and line; `noShaderCompiler`.
  public func compile(_ source: ShaderSource, optimize: Bool = false) throws(GPUError) -> [UInt32] {
    let key = key(of: source, optimize)
    if let words = memory.withLock({ $0[key] }) { return words }
    // Compilers share tables in ways that differ by version; one at a time is safe with all of them.
    return try compiling.withLock { (count) throws(GPUError) -> [UInt32] in
      if let words = memory.withLock({ $0[key] }) { return words }
      let words: [UInt32]
      if let saved = load(key) { words = saved } else { words = try compile(source, optimize, key, &count) }
      memory.withLock { $0[key] = words }
      return words
    }
  }

  /// Whether the compiler knows a GLSL extension.
  ///
  /// - Throws: as `compile`.
  public func supports(extension name: String) throws(GPUError) -> Bool {
    let text = """
      #version 460
      #ifdef \(name)
      #define WIDTH 2
      #else
      #define WIDTH 1
      #endif
      layout(local_size_x = WIDTH) in;
      void main() {}
      """
    let words = try compile(ShaderSource(name: "probe of \(name)", text: text))
    return try SPIRVModule(words, name: name).localSize([:]).first == 2
  }

  private func key(of source: ShaderSource, _ optimize: Bool) -> UInt128 {
    var hash = Hash128()
    hash.add("vulkan1.3 spirv1.6 compute \(optimize)")
    hash.add(identity)
    hash.add(source.name)
    hash.add(source.text)
    for (name, value) in source.defines.sorted(by: { $0.key < $1.key }) {
      hash.add(name)
      hash.add(value)
    }
    return hash.value
  }

  /// File of an entry below the cache folder.
  func entryName(of source: ShaderSource, optimize: Bool = false) -> String {
    Self.entryName(key(of: source, optimize))
  }

  private static func entryName(_ key: UInt128) -> String {
    var digits = String(key, radix: 16)
    digits = String(repeating: "0", count: 32 - digits.count) + digits
    return "spirv/\(digits.prefix(2))/\(digits).spv"
  }

  private func load(_ key: UInt128) -> [UInt32]? {
    guard let bytes = cache.read(Self.entryName(key), key: key) else { return nil }
    return Self.words(bytes)
  }

  private func compile(
    _ source: ShaderSource, _ optimize: Bool, _ key: UInt128, _ count: inout Int
  ) throws(GPUError) -> [UInt32] {
    count += 1
    let bytes: [UInt8]
    switch backend {
    case .library(let library): bytes = try library.compile(source, optimize: optimize).get()
    case .program(let program): bytes = try program.compile(source, optimize: optimize).get()
    case nil:
      throw GPUError(
        code: .noShaderCompiler, operation: "compiling \(source.name)",
        detail: "there is no shader compiler: \(origin); install libshaderc or glslc")
    }
    guard let words = Self.words(bytes) else {
      throw GPUError(compilation: source.name, message: "the compiler \(origin) did not write SPIR-V")
    }
    cache.write(bytes, Self.entryName(key), key: key)
    return words
  }

  /// The words of a SPIR-V module; nil if it does not begin like one.
  private static func words(_ bytes: [UInt8]) -> [UInt32]? {
    guard bytes.count >= 20, bytes.count % 4 == 0 else { return nil }
    let words = bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map { UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)) }
    }
    return words[0] == SPIRVModule.magic ? words : nil
  }
}
