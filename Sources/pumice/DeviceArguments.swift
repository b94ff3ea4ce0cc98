public import ArgumentParser
public import PumiceGPU
import PumiceKernels

/// The options that say which device to use and how.
struct DeviceArguments: ParsableArguments {
  @Option(
    name: [.customLong("device"), .customLong("dev")],
    help: ArgumentHelp(
      "The device: its index in `pumice devices`, or part of its name. Default: PUMICE_DEVICE, else the best.",
      valueName: "index|name"))
  var device: String?

  @Option(
    help: ArgumentHelp(
      "Load VK_LAYER_KHRONOS_validation: core, synchronization or gpuAssisted. Any message is a failure.",
      valueName: "mode"))
  var validation: ValidationMode?

  /// What the environment and the options say together.
  var options: DeviceOptions {
    var options = DeviceOptions.fromEnvironment()
    if let device { options.selector = device }
    if let validation { options.validation = validation }
    return options
  }

  /// The options again, for another process.
  var arguments: [String] {
    (device.map { ["--device", $0] } ?? []) + (validation.map { ["--validation", $0.rawValue] } ?? [])
  }

  func open(barrierEverywhere: Bool = false) throws -> Device {
    var options = options
    if barrierEverywhere { options.barrierEverywhere = true }
    return try Device.open(options: options)
  }

  /// The kernels of a device, without those that failed verification there.
  func kernels(_ device: Device) -> KernelLibrary {
    KernelLibrary(device: device, quarantine: Quarantine(folder: device.cacheFolder))
  }
}

extension ValidationMode: ExpressibleByArgument {}

/// Fails if the validation layer or a guard gap reported anything.
func checkValidation(of devices: Device...) throws {
  try checkValidation(devices.flatMap(\.validationMessages))
}

/// Fails if there are any messages, and prints them.
func checkValidation(_ messages: [String]) throws {
  guard messages.isEmpty else {
    for message in messages { note("validation: \(message)") }
    throw ExitCode.failure
  }
}
