import ArgumentParser
import PumiceGPU
import PumiceKernels
import PumiceOperators
import PumiceVerification

/// `pumice devices`.
struct DevicesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "devices",
    abstract: "Lists the Vulkan devices, what they can do, and which kernels they are not trusted with.",
    discussion: """
      The first line of each device is the short form to paste into a report. Kernels in quarantine failed `pumice
      verify` on that device and driver.
      """)

  @OptionGroup var device: DeviceArguments

  @Flag(help: "Also list, per operator, which variants can run on the device, and why the others cannot.")
  var variants = false

  @Flag(help: "Print everything as JSON.")
  var json = false

  func run() throws {
    let reports = try infos().map { DeviceReport($0, options: device.options) }
    if json {
      try printJSON(reports)
    } else {
      for (index, report) in reports.enumerated() {
        if index > 0 { print("") }
        report.show(variants: variants)
      }
    }
  }

  private func infos() throws -> [DeviceInfo] {
    let infos = try Device.list(device.options)
    // Opening tells the reason when there is no device, or none of that name.
    if infos.isEmpty || device.device != nil { return [try device.open().info] }
    return infos
  }
}

/// What `pumice devices` says of one device.
struct DeviceReport: Encodable {
  struct Compiler: Encodable { var origin: String, version: String }
  struct VariantReport: Encodable {
    var name: OperatorName
    var variant: String
    var summary: String
    /// Why the device cannot run it; nil if it can.
    var unavailable: String?
    /// Why it is in quarantine there.
    var quarantined: String?
  }

  var info: DeviceInfo
  var shaderCompiler: Compiler?
  var variants: [VariantReport] = []
  /// Why the device cannot be used.
  var problem: String?

  init(_ info: DeviceInfo, options: DeviceOptions) {
    self.info = info
    problem = info.unsupportedReason
    do {
      let device = try Device.open(String(info.index), options: options)
      shaderCompiler = Compiler(origin: device.compiler.origin, version: device.compiler.version)
      let kernels = KernelLibrary(device: device, quarantine: Quarantine(folder: device.cacheFolder))
      variants = OperatorName.allCases.flatMap { Self.variants(of: $0.type, kernels) }
    } catch {
      problem = problem ?? error.description
    }
  }

  private static func variants<Op: Dispatchable>(of type: Op.Type, _ kernels: KernelLibrary) -> [VariantReport] {
    Op.variants.map { variant in
      VariantReport(
        name: Op.name, variant: variant.name, summary: variant.summary,
        unavailable: variant.unavailable(on: kernels.device.info),
        quarantined: kernels.quarantine.entry(
          Op.name, variant: variant.name, hash: kernels.shaderHash(variant), device: kernels.device.info)?.reason)
    }
  }
}

extension DeviceReport {
  func show(variants showsVariants: Bool) {
    print(line)
    row("kind", info.kind.rawValue)
    row("driver", "\(info.driverName) \(info.driverInfo), Vulkan \(info.apiVersion)")
    let range =
      info.minSubgroupSize == info.maxSubgroupSize ? "fixed" : "\(info.minSubgroupSize) to \(info.maxSubgroupSize)"
    row("subgroups", "\(info.subgroupSize) lanes (\(range)); \(list(info.subgroupOperations.map(\.rawValue)))")
    row("workgroups", "\(info.maxWorkgroupInvocations) invocations, \(readable(bytes: info.maxSharedMemory)) shared")
    row("memory", info.heaps.map(describe).joined(separator: ", ") + (info.unifiedMemory ? ", unified" : ""))
    row("features", list(info.features.map(\.rawValue)))
    row("matrices", list(info.cooperativeMatrices.map { "\($0.m)×\($0.n)×\($0.k) \($0.a)→\($0.result)" }))
    if let shaderCompiler { row("compiler", "\(shaderCompiler.version) (\(shaderCompiler.origin))") }
    if let problem { row("problem", problem) }
    let quarantined = variants.filter { $0.quarantined != nil }
    if quarantined.isEmpty { row("quarantine", "empty") }
    for variant in quarantined {
      row("quarantine", "\(variant.name.rawValue) \(variant.variant): \(variant.quarantined ?? "")")
    }
    guard showsVariants else { return }
    for variant in variants {
      let trusted = variant.quarantined == nil ? "can run" : "in quarantine"
      let state = variant.unavailable.map { "cannot run: \($0)" } ?? trusted
      row(variant.name.rawValue, "\(variant.variant): \(state). \(variant.summary)")
    }
  }

  /// The form in which users of such programs know to read a device.
  private var line: String {
    func flag(_ feature: DeviceFeature) -> String { info.features.contains(feature) ? "1" : "0" }
    return "pumice: \(info.index) = \(info.name) (\(info.driverName)) | uma: \(info.unifiedMemory ? 1 : 0) | "
      + "fp16: \(flag(.float16)) | warp size: \(info.subgroupSize) | shared memory: \(info.maxSharedMemory) | "
      + "int dot: \(flag(.integerDotProduct)) | matrix cores: \(info.cooperativeMatrices.isEmpty ? "none" : "KHR_coopmat")"
  }

  private func row(_ name: String, _ value: String) { print("  \(padded(name, 16))  \(value)") }

  private func list(_ words: [String]) -> String { words.isEmpty ? "none" : words.sorted().joined(separator: " ") }

  private func describe(_ heap: MemoryHeap) -> String {
    let free = heap.budget.map { ", \(readable(bytes: $0)) for us" } ?? ""
    return "\(readable(bytes: heap.size))\(free)\(heap.deviceLocal ? " on the device" : "")"
  }
}
