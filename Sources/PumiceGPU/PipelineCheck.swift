/// Finds what is wrong with a shader before a driver sees it: some drivers kill the process instead of refusing.
struct PipelineCheck {
  let description: PipelineDescription
  let binding: BufferBinding
  let device: DeviceInfo
  let module: SPIRVModule
  let reflection: ShaderReflection

  private var operation: String { "making a pipeline of \(description.source.name) for \(device.name)" }

  private func unsupported(_ detail: String) -> GPUError {
    GPUError(code: .unsupportedShader, operation: operation, detail: detail)
  }

  private func invalid(_ detail: String) -> GPUError {
    GPUError(code: .invalidArgument, operation: operation, detail: detail)
  }

  /// - Throws: `unsupportedShader` if the device cannot run it, `invalidArgument` if it contradicts its description.
  func run() throws(GPUError) {
    let missing = ShaderCapability.missing(module.capabilities, on: device)
    if !missing.isEmpty {
      throw unsupported("the shader needs \(missing.joined(separator: ", ")), which the device lacks")
    }
    try checkWorkgroup()
    try checkBuffers()
    try checkSubgroups()
  }

  private func checkWorkgroup() throws(GPUError) {
    let size = reflection.localSize
    if size.count == 3 {
      let count = size.reduce(1) { $0.multipliedReportingOverflow(by: $1).overflow ? Int.max : $0 * $1 }
      let text = size.map(String.init).joined(separator: " × ")
      if size.contains(0) { throw invalid("its workgroup has the size \(text)") }
      for axis in 0..<3 where size[axis] > device.maxWorkgroupSize[axis] {
        throw unsupported("its workgroup of \(text) exceeds \(device.maxWorkgroupSize[axis]) along axis \(axis)")
      }
      if count > device.maxWorkgroupInvocations {
        throw unsupported("its workgroup of \(text) exceeds \(device.maxWorkgroupInvocations) invocations")
      }
    }
    if let shared = reflection.sharedMemory, shared > device.maxSharedMemory {
      throw unsupported(
        "it needs \(shared) bytes of shared memory, and there are \(device.maxSharedMemory)")
    }
  }

  private func checkBuffers() throws(GPUError) {
    guard description.bufferCount >= 0, description.constantBytes >= 0, description.constantBytes % 4 == 0 else {
      throw invalid(
        "\(description.bufferCount) buffers and \(description.constantBytes) bytes of constants, which must be words")
    }
    let expected = description.pushBytes(binding)
    if expected > device.maxPushConstants {
      throw unsupported("it needs \(expected) bytes of push constants, and there are \(device.maxPushConstants)")
    }
    let declared = reflection.pushConstantBytes
    if declared != expected && !(declared < expected && (declared == 0 || description.optimize)) {
      throw invalid(
        "its push constants have \(declared) bytes, but \(description.bufferCount) buffers by \(binding.rawValue) and "
          + "\(description.constantBytes) bytes of constants make \(expected)")
    }
    switch binding {
    case .addresses:
      if declared > 0 {
        let addresses = reflection.pushConstants.filter(\.isAddress)
        for (index, member) in addresses.enumerated() where member.offset != 8 * index {
          throw invalid(
            "the address \(member.name) is at byte \(member.offset) of the push constants, not \(8 * index)")
        }
        if addresses.count != description.bufferCount {
          throw invalid(
            "it takes \(addresses.count) addresses, but is described with \(description.bufferCount) buffers")
        }
      }
    case .descriptors:
      if reflection.bindingCount > description.bufferCount {
        throw invalid(
          "it has \(reflection.bindingCount) bindings, but is described with \(description.bufferCount) buffers")
      }
    }
  }

  private func checkSubgroups() throws(GPUError) {
    if let size = description.subgroupSize {
      guard size > 0, size & (size - 1) == 0 else { throw invalid("a subgroup size of \(size)") }
      if size != device.subgroupSize || device.minSubgroupSize != device.maxSubgroupSize {
        guard device.canChooseSubgroupSize else {
          throw unsupported("it wants subgroups of \(size), and the device does not let one choose")
        }
        guard size >= device.minSubgroupSize, size <= device.maxSubgroupSize else {
          throw unsupported(
            "it wants subgroups of \(size), and there are those of \(device.minSubgroupSize) to \(device.maxSubgroupSize)"
          )
        }
      }
    }
    let lanes = description.subgroupSize ?? device.subgroupSize
    let size = reflection.localSize
    guard size.count == 3 else { return }
    if device.canChooseSubgroupSize, size.reduce(1, *) > lanes * device.maxSubgroupsPerWorkgroup {
      throw unsupported("its workgroup has more than \(device.maxSubgroupsPerWorkgroup) subgroups of \(lanes)")
    }
    if description.requireFullSubgroups {
      guard device.features.contains(.fullSubgroups) else { throw unsupported("it demands full subgroups") }
      guard size[0] % lanes == 0 else {
        throw invalid("it demands full subgroups, but its width \(size[0]) is no multiple of \(lanes)")
      }
    }
  }
}

extension PipelineDescription {
  /// Bytes of the push-constant block.
  func pushBytes(_ binding: BufferBinding) -> Int {
    (binding == .addresses ? 8 * bufferCount : 0) + constantBytes
  }
}
