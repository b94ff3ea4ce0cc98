import CShaderc
import Foundation

/// libshaderc, opened at run time or linked: its functions and one compiler.
final class ShadercLibrary: @unchecked Sendable {  // Used only under ShaderCompiler's lock.
  private struct Functions {
    let initialize: @convention(c) () -> OpaquePointer?
    let makeOptions: @convention(c) () -> OpaquePointer?
    let releaseOptions: @convention(c) (OpaquePointer?) -> Void
    let define: @convention(c) (OpaquePointer?, UnsafePointer<CChar>?, Int, UnsafePointer<CChar>?, Int) -> Void
    let setTarget: @convention(c) (OpaquePointer?, shaderc_target_env, UInt32) -> Void
    let setSPIRV: @convention(c) (OpaquePointer?, shaderc_spirv_version) -> Void
    let setOptimization: @convention(c) (OpaquePointer?, shaderc_optimization_level) -> Void
    let compile:
      @convention(c) (
        OpaquePointer?, UnsafePointer<CChar>?, Int, shaderc_shader_kind, UnsafePointer<CChar>?, UnsafePointer<CChar>?,
        OpaquePointer?
      ) -> OpaquePointer?
    let releaseResult: @convention(c) (OpaquePointer?) -> Void
    let status: @convention(c) (OpaquePointer?) -> shaderc_compilation_status
    let message: @convention(c) (OpaquePointer?) -> UnsafePointer<CChar>?
    let length: @convention(c) (OpaquePointer?) -> Int
    let bytes: @convention(c) (OpaquePointer?) -> UnsafePointer<CChar>?
    let version: @convention(c) (UnsafeMutablePointer<UInt32>?, UnsafeMutablePointer<UInt32>?) -> Void
  }

  private let functions: Functions
  private let compiler: OpaquePointer
  /// File of the library, or `linked`.
  let origin: String

  private init?(_ functions: Functions, origin: String) {
    guard let compiler = functions.initialize() else { return nil }
    self.functions = functions
    self.compiler = compiler
    self.origin = origin
  }

  /// The SPIR-V version and revision that the library writes at most.
  var version: String {
    var version: UInt32 = 0
    var revision: UInt32 = 0
    functions.version(&version, &revision)
    return "shaderc for SPIR-V \(version >> 16 & 0xFF).\(version >> 8 & 0xFF) revision \(revision)"
  }

  /// Compiles; the failure is the compiler's message.
  func compile(_ source: ShaderSource, optimize: Bool) -> Result<[UInt8], GPUError> {
    let f = functions
    let options = f.makeOptions()
    defer { f.releaseOptions(options) }
    for (name, value) in source.defines { f.define(options, name, name.utf8.count, value, value.utf8.count) }
    f.setTarget(options, shaderc_target_env_vulkan, shaderc_env_version_vulkan_1_3.rawValue)
    f.setSPIRV(options, shaderc_spirv_version_1_6)
    f.setOptimization(
      options, optimize ? shaderc_optimization_level_performance : shaderc_optimization_level_zero)
    let result = f.compile(
      compiler, source.text, source.text.utf8.count, shaderc_glsl_compute_shader, source.name, "main", options)
    defer { f.releaseResult(result) }
    if f.status(result) == shaderc_compilation_status_success, let bytes = f.bytes(result) {
      return .success([UInt8](UnsafeRawBufferPointer(start: bytes, count: f.length(result))))
    }
    let message = f.message(result).map { String(cString: $0) } ?? "no message"
    return .failure(GPUError(compilation: source.name, message: message))
  }

  /// Opens a shared library; nil, or why not.
  static func open(_ path: String) -> Result<ShadercLibrary, GPUError> {
    func failure(_ detail: String) -> Result<ShadercLibrary, GPUError> {
      .failure(GPUError(code: .noShaderCompiler, operation: "opening \(path)", detail: detail))
    }
    guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      return failure(dlerror().map { String(cString: $0) } ?? "unknown reason")
    }
    func find<T>(_ name: String) -> T? { dlsym(handle, "shaderc_" + name).map { unsafeBitCast($0, to: T.self) } }
    guard let initialize: @convention(c) () -> OpaquePointer? = find("compiler_initialize"),
      let makeOptions: @convention(c) () -> OpaquePointer? = find("compile_options_initialize"),
      let releaseOptions: @convention(c) (OpaquePointer?) -> Void = find("compile_options_release"),
      let define: @convention(c) (OpaquePointer?, UnsafePointer<CChar>?, Int, UnsafePointer<CChar>?, Int) -> Void =
        find("compile_options_add_macro_definition"),
      let setTarget: @convention(c) (OpaquePointer?, shaderc_target_env, UInt32) -> Void =
        find("compile_options_set_target_env"),
      let setSPIRV: @convention(c) (OpaquePointer?, shaderc_spirv_version) -> Void =
        find("compile_options_set_target_spirv"),
      let setOptimization: @convention(c) (OpaquePointer?, shaderc_optimization_level) -> Void =
        find("compile_options_set_optimization_level"),
      let compile:
        @convention(c) (
          OpaquePointer?, UnsafePointer<CChar>?, Int, shaderc_shader_kind, UnsafePointer<CChar>?, UnsafePointer<CChar>?,
          OpaquePointer?
        ) -> OpaquePointer? = find("compile_into_spv"),
      let releaseResult: @convention(c) (OpaquePointer?) -> Void = find("result_release"),
      let status: @convention(c) (OpaquePointer?) -> shaderc_compilation_status = find("result_get_compilation_status"),
      let message: @convention(c) (OpaquePointer?) -> UnsafePointer<CChar>? = find("result_get_error_message"),
      let length: @convention(c) (OpaquePointer?) -> Int = find("result_get_length"),
      let bytes: @convention(c) (OpaquePointer?) -> UnsafePointer<CChar>? = find("result_get_bytes"),
      let version: @convention(c) (UnsafeMutablePointer<UInt32>?, UnsafeMutablePointer<UInt32>?) -> Void =
        find("get_spv_version")
    else { return failure("it lacks functions of libshaderc") }
    let functions = Functions(
      initialize: initialize, makeOptions: makeOptions, releaseOptions: releaseOptions, define: define,
      setTarget: setTarget, setSPIRV: setSPIRV, setOptimization: setOptimization, compile: compile,
      releaseResult: releaseResult, status: status, message: message, length: length, bytes: bytes, version: version)
    guard let library = ShadercLibrary(functions, origin: file(of: path)) else { return failure("it does not start") }
    return .success(library)
  }

  /// The file that was mapped for a library; its name carries the version, as in `libshaderc.so.1.2026.4`.
  private static func file(of library: String) -> String {
    if library.contains("/") { return URL(fileURLWithPath: library).resolvingSymlinksInPath().path }
    let maps = (try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8)) ?? ""
    let stem = library.split(separator: ".").first.map { "/\($0)." } ?? library
    let line = maps.split(separator: "\n").first { $0.contains(stem) }
    return line.flatMap { $0.firstIndex(of: "/").map { start in String(line![start...]) } } ?? library
  }

  /// The archives that the package was linked with, if it was.
  static func linked() -> ShadercLibrary? {
    #if PUMICE_LINKS_SHADERC
      let functions = Functions(
        initialize: { shaderc_compiler_initialize() }, makeOptions: { shaderc_compile_options_initialize() },
        releaseOptions: { shaderc_compile_options_release($0) },
        define: { shaderc_compile_options_add_macro_definition($0, $1, $2, $3, $4) },
        setTarget: { shaderc_compile_options_set_target_env($0, $1, $2) },
        setSPIRV: { shaderc_compile_options_set_target_spirv($0, $1) },
        setOptimization: { shaderc_compile_options_set_optimization_level($0, $1) },
        compile: { shaderc_compile_into_spv($0, $1, $2, $3, $4, $5, $6) },
        releaseResult: { shaderc_result_release($0) }, status: { shaderc_result_get_compilation_status($0) },
        message: { shaderc_result_get_error_message($0) }, length: { shaderc_result_get_length($0) },
        bytes: { shaderc_result_get_bytes($0) }, version: { shaderc_get_spv_version($0, $1) })
      return ShadercLibrary(functions, origin: "linked")
    #else
      return nil
    #endif
  }
}

extension GPUError {
  init(compilation name: String, message: String) {
    self.init(
      code: .shaderCompilation, operation: "compiling \(name)",
      detail: message.trimmingCharacters(in: .whitespacesAndNewlines))
  }
}
