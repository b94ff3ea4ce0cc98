import CVulkan
import Foundation
import Testing

@testable import PumiceGPU

extension GPUTests {
  @Test func loaderNamesTheBrokenDriver() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      let path = "\(folder.path)/icd.json"
      try #"{"file_format_version": "1.0.0", "ICD": {"library_path": "/etc/passwd", "api_version": "1.3.0"}}"#
        .write(toFile: path, atomically: true, encoding: .utf8)
      setenv("VK_ICD_FILENAMES", path, 1)
      setenv("VK_DRIVER_FILES", path, 1)
      let error = gpuError { _ = try Device.open(options: DeviceOptions()) }
      guard error?.description.contains("/etc/passwd") == true else { fatalError("\(String(describing: error))") }
    }
  }

  @Test func listing() throws {
    let devices = try Device.list(testOptions())
    #expect(!devices.isEmpty)
    #expect(devices.map(\.index) == Array(devices.indices))
    let ranks = devices.map { DeviceKind.allCases.firstIndex(of: $0.kind)! }
    #expect(ranks == ranks.sorted())
    for device in devices where device.unsupportedReason == nil {
      #expect(device.subgroupSize >= device.minSubgroupSize && device.subgroupSize <= device.maxSubgroupSize)
      #expect(device.maxPushConstants >= 128 && device.maxWorkgroupInvocations >= 128)
      #expect(device.driverUUID.count == 32 && device.deviceUUID.count == 32)
      #expect(!device.heaps.isEmpty && device.heaps.allSatisfy { $0.size > 0 })
      #expect(device.features.isSuperset(of: [.bufferDeviceAddress, .timelineSemaphore, .scalarBlockLayout]))
    }
    let copy = try JSONDecoder().decode([DeviceInfo].self, from: JSONEncoder().encode(devices))
    #expect(copy == devices)
  }

  @Test func selection() throws {
    let options = testOptions()
    let best = try Device.open("0", options: options).info
    #expect(best.index == 0)
    let part = String(best.name.prefix(5)).uppercased()
    #expect(try Device.open(part, options: options).info.name == best.name)
    for selector in ["no such device", "99", "-1"] {
      let error = gpuError { _ = try Device.open(selector, options: options) }
      #expect(error?.code == .deviceNotFound)
      #expect(error?.description.contains(best.name) == true)
    }
    #expect(gpuError { _ = try Device.open(options: testOptions { $0.selector = "99" }) }?.code == .deviceNotFound)
  }

  @Test func missingLoader() {
    let error = gpuError { _ = try VulkanLoader.open(library: "libvulkan-that-is-missing.so.1").get() }
    #expect(error?.code == .noLoader)
    #expect(error?.description.contains("install") == true)
  }

  @Test func missingDriver() async {
    await #expect(processExitsWith: .success) {
      setenv("VK_ICD_FILENAMES", "/nonexistent/icd.json", 1)
      setenv("VK_DRIVER_FILES", "/nonexistent/icd.json", 1)
      try expectNoDriver()
    }
  }

  @Test func failingDriver() async {
    let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
      let folder = try TemporaryFolder()
      // A library that is no driver, one that is no library, and a manifest that is no JSON.
      let libraries = ["libm.so.6", "/etc/passwd"]
      var manifests = libraries.map {
        #"{"file_format_version": "1.0.0", "ICD": {"library_path": "\#($0)", "api_version": "1.3.0"}}"#
      }
      manifests.append("{")
      for (index, text) in manifests.enumerated() {
        let path = "\(folder.path)/\(index).json"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        setenv("VK_ICD_FILENAMES", path, 1)
        setenv("VK_DRIVER_FILES", path, 1)
        try expectNoDriver()
      }
    }
    if result?.exitStatus != .exitCode(EXIT_SUCCESS) {
      Issue.record("\(String(decoding: result?.standardErrorContent ?? [], as: UTF8.self))")
    }
  }

  @Test func lostDevice() throws {
    // No guard gaps: writing them would meet the loss first.
    let device = try Device.open(nil, testOptions { $0.guardGap = nil }) { functions in
      functions.waitSemaphores = { _, _, _ in VK_ERROR_DEVICE_LOST }
      functions.getSemaphoreCounterValue = { _, _, value in
        value!.pointee = 0
        return VK_SUCCESS
      }
    }
    let pipeline = try device.scalePipeline()
    let x = try device.makeBuffer(byteCount: 400, label: "x")
    let y = try device.makeBuffer(byteCount: 400, label: "y")
    let list = try device.makeCommandList(label: "the unlucky list")
    try list.scale(pipeline, x.whole, y.whole, by: 7)
    let submission = try list.submit()
    let error = gpuError { try submission.wait() }
    #expect(error?.code == .deviceLost)
    #expect(error?.description.contains("the unlucky list") == true)
    #expect(error?.description.contains("scale by 7.0") == true)
    // From then on everything fails the same way, and nothing hangs.
    #expect(gpuError { _ = try list.submit() }?.code == .deviceLost)
  }

  @Test func driverFailuresAreTyped() throws {
    let device = try Device.open(nil, testOptions()) { functions in
      functions.queueSubmit = { _, _, _, _ in VK_ERROR_OUT_OF_HOST_MEMORY }
      functions.allocateMemory = { _, _, _, _ in VK_ERROR_OUT_OF_DEVICE_MEMORY }
      functions.createComputePipelines = { _, _, _, _, _, _ in VK_ERROR_UNKNOWN }
    }
    let submit = gpuError { try device.makeCommandList(label: "empty").run() }
    #expect(submit?.code == .outOfHostMemory)
    #expect(submit?.operation.contains("empty") == true)
    let memory = gpuError { _ = try device.makeBuffer(byteCount: 1 << 20, label: "weights") }
    #expect(memory?.code == .outOfDeviceMemory)
    #expect(memory?.operation == "allocating 1.0 MiB for weights on \(device.info.name)")
    #expect(memory?.result == VK_ERROR_OUT_OF_DEVICE_MEMORY.rawValue)
    let pipeline = gpuError { _ = try device.scalePipeline() }
    #expect(pipeline?.code == .failed)
    #expect(pipeline?.operation.contains("Test/test.comp") == true)
  }

  @Test func settingsOfTheEnvironment() throws {
    let options = DeviceOptions.from(environment: [
      "PUMICE_DEVICE": "radeon", "PUMICE_VALIDATION": "synchronization", "PUMICE_BINDING": "descriptors",
      "PUMICE_CACHE": "/tmp/x", "PUMICE_BARRIERS": "everywhere", "PUMICE_STAGING": "always",
    ])
    #expect(options.selector == "radeon" && options.validation == .synchronization && options.binding == .descriptors)
    #expect(options.cacheFolder == "/tmp/x" && options.barrierEverywhere && options.forceStaging)
    #expect(DeviceOptions.from(environment: ["PUMICE_DEVICE": ""]).selector == nil)
    let wrong = DeviceOptions.from(environment: ["PUMICE_BINDING": "sockets"])
    #expect(gpuError { _ = try Device.open(options: wrong) }?.code == .invalidArgument)
    #expect(gpuError { _ = try Device.list(wrong) }?.detail.contains("PUMICE_BINDING=sockets") == true)
  }
}

/// In a process whose only driver is broken: an empty list, and a typed error.
private func expectNoDriver() throws {
  let devices = try Device.list(DeviceOptions())
  guard devices.isEmpty else { fatalError("devices without a driver: \(devices.map(\.name))") }
  let error = gpuError { _ = try Device.open(options: DeviceOptions()) }
  guard error?.code == .noDriver, error?.description.contains("install") == true else {
    fatalError("unexpected: \(String(describing: error))")
  }
}
