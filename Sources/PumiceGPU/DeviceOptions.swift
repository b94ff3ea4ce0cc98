import Foundation

/// How shaders reach their buffers.
public enum BufferBinding: String, Sendable, Hashable, Codable, CaseIterable {
  /// 64-bit addresses in push constants.
  case addresses
  /// Storage-buffer descriptors, which validation layers can see through.
  case descriptors
}

/// What the Vulkan validation layer checks.
public enum ValidationMode: String, Sendable, Hashable, Codable, CaseIterable {
  /// Wrong use of the API.
  case core
  /// Also missing barriers, as far as descriptors show them.
  case synchronization
  /// Also accesses out of bounds, by instrumented shaders.
  case gpuAssisted
}

/// How to open a device.
public struct DeviceOptions: Sendable, Hashable {
  /// Which device, when `Device.open` is not told: an index of `Device.list`, or part of a name.
  public var selector: String?
  /// Loads the validation layer; its messages are found in `Device.validationMessages` and in the log.
  public var validation: ValidationMode?
  /// How shaders reach their buffers.
  public var binding: BufferBinding = .addresses
  /// Puts a barrier before every command, needed or not: results must not change by a bit.
  public var barrierEverywhere = false
  /// Bytes kept free after each buffer, filled with a pattern that is checked when the buffer is freed.
  public var guardGap: Int? = Self.defaultGuardGap
  /// Folder of the shader and pipeline caches; nil stands for `$XDG_CACHE_HOME/pumice` or `~/.cache/pumice`.
  public var cacheFolder: String?
  /// Copies through staging buffers even where the host could write the memory itself.
  public var forceStaging = false
  /// Which shader compiler to use: a path of libshaderc or glslc, `linked`, or `glslc`; nil takes the first that works.
  public var shaderCompiler: String?
  /// Environment settings that mean nothing; opening a device reports them.
  public internal(set) var invalidSettings: [String] = []

  public init() {}

  #if DEBUG
    private static let defaultGuardGap: Int? = 1024
  #else
    private static let defaultGuardGap: Int? = nil
  #endif

  /// The options that the environment sets: `PUMICE_DEVICE`, `PUMICE_VALIDATION` (`core`, `synchronization`,
  /// `gpuAssisted`), `PUMICE_BINDING` (`addresses`, `descriptors`), `PUMICE_CACHE` (a folder), `PUMICE_BARRIERS`
  /// (`everywhere`), `PUMICE_STAGING` (`always`), `PUMICE_SHADERC` (see `shaderCompiler`).
  ///
  /// A value that means nothing is not ignored: `Device.list` and `Device.open` throw an error that names it.
  public static func fromEnvironment() -> DeviceOptions { from(environment: ProcessInfo.processInfo.environment) }

  static func from(environment: [String: String]) -> DeviceOptions {
    var options = DeviceOptions()
    func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    func choice<T: RawRepresentable<String> & CaseIterable>(_ name: String, _ type: T.Type) -> T? {
      guard let text = value(name) else { return nil }
      if let choice = T(rawValue: text) { return choice }
      options.invalidSettings.append(
        "\(name)=\(text) is none of \(T.allCases.map(\.rawValue).joined(separator: ", "))")
      return nil
    }
    options.selector = value("PUMICE_DEVICE")
    options.validation = choice("PUMICE_VALIDATION", ValidationMode.self)
    options.binding = choice("PUMICE_BINDING", BufferBinding.self) ?? .addresses
    options.cacheFolder = value("PUMICE_CACHE")
    options.shaderCompiler = value("PUMICE_SHADERC")
    options.barrierEverywhere = choice("PUMICE_BARRIERS", BarrierSetting.self) == .everywhere
    options.forceStaging = choice("PUMICE_STAGING", StagingSetting.self) == .always
    return options
  }

  private enum BarrierSetting: String, CaseIterable { case conflicts, everywhere }
  private enum StagingSetting: String, CaseIterable { case needed, always }

  func checkSettings() throws(GPUError) {
    if let problem = invalidSettings.first {
      throw GPUError(code: .invalidArgument, operation: "reading the environment", detail: problem)
    }
  }
}
