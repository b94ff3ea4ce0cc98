import Foundation
import PumiceGPU
import PumiceKernels
import PumiceOperators
import PumiceShaders

@testable import PumiceVerification

/// Runs tests with a device and a cache folder of their own.
func withDevice<T>(
  binding: BufferBinding? = nil, _ body: (Device, _ cacheFolder: String) throws -> T
) throws -> T {
  let folder = NSTemporaryDirectory() + "pumice-tests-\(UUID().uuidString)"
  defer { try? FileManager.default.removeItem(atPath: folder) }
  var options = DeviceOptions.fromEnvironment()
  options.cacheFolder = folder
  if let binding { options.binding = binding }
  return try body(try Device.open(options: options), folder)
}

/// A shader does not hold what a test wants to change.
struct PassageMissing: Error {
  var path: String
  var passage: String
}

/// The text of a shader with one passage replaced, as overrides for a library.
func broken(_ path: String, _ passage: String, _ replacement: String) throws -> [String: String] {
  let text = try ShaderLibrary.text(path)
  guard text.contains(passage) else { throw PassageMissing(path: path, passage: passage) }
  return [path: text.replacingOccurrences(of: passage, with: replacement)]
}
