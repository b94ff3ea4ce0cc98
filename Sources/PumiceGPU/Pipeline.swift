import CVulkan

/// A shader, compiled and specialized, ready to be dispatched.
public final class Pipeline: Sendable {
  public let description: PipelineDescription
  public let reflection: ShaderReflection
  let binding: BufferBinding
  let core: DeviceCore
  let layout: DeviceObject
  let object: DeviceObject
  private let setLayoutOwner: SetLayout?

  /// Owner of a descriptor set layout; a class, because only some pipelines have one.
  private final class SetLayout: Sendable {
    let object: DeviceObject
    init(_ object: consuming DeviceObject) { self.object = object }
  }

  /// Layout of the descriptor set, with `BufferBinding.descriptors`.
  var setLayout: OpaquePointer? { setLayoutOwner?.object.handle }

  init(
    _ description: PipelineDescription, _ core: DeviceCore, _ compiler: ShaderCompiler, _ cache: PipelineCache
  ) throws(GPUError) {
    let binding = description.binding ?? core.options.binding
    var source = description.source
    if binding == .descriptors { source.defines["PUMICE_DESCRIPTORS"] = "1" }
    let words = try compiler.compile(source, optimize: description.optimize)
    let module = try SPIRVModule(words, name: source.name)
    let reflection = ShaderReflection(module, specialization: description.specialization)
    try PipelineCheck(
      description: description, binding: binding, device: core.info, module: module, reflection: reflection
    ).run()

    let operation = "making a pipeline of \(source.name) for \(core.info.name)"
    let setLayout: SetLayout? =
      binding == .descriptors && description.bufferCount > 0
      ? SetLayout(try Self.makeSetLayout(description.bufferCount, core, operation)) : nil
    let layout = try Self.makeLayout(description.pushBytes(binding), setLayout?.object.handle, core, operation)
    object = try Self.makePipeline(words, description, layout.handle, core, cache, operation)
    self.layout = layout
    self.setLayoutOwner = setLayout
    self.description = description
    self.reflection = reflection
    self.binding = binding
    self.core = core
  }

  private static func makeSetLayout(
    _ count: Int, _ core: DeviceCore, _ operation: String
  ) throws(GPUError) -> DeviceObject {
    let arena = Arena()
    let bindings = (0..<count).map { index in
      var binding = VkDescriptorSetLayoutBinding()
      binding.binding = UInt32(index)
      binding.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER
      binding.descriptorCount = 1
      binding.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT.rawValue
      return binding
    }
    var info = VkDescriptorSetLayoutCreateInfo()
    info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO
    info.bindingCount = UInt32(count)
    info.pBindings = UnsafePointer(arena.place(bindings))
    return try core.own(operation, destroy: core.functions.destroyDescriptorSetLayout) {
      core.functions.createDescriptorSetLayout($0, &info, nil, &$1)
    }
  }

  private static func makeLayout(
    _ pushBytes: Int, _ setLayout: OpaquePointer?, _ core: DeviceCore, _ operation: String
  ) throws(GPUError) -> DeviceObject {
    let arena = Arena()
    var info = VkPipelineLayoutCreateInfo()
    info.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO
    if let setLayout {
      info.setLayoutCount = 1
      info.pSetLayouts = UnsafePointer(arena.place([Optional(setLayout)]))
    }
    if pushBytes > 0 {
      info.pushConstantRangeCount = 1
      info.pPushConstantRanges = UnsafePointer(
        arena.place(
          VkPushConstantRange(stageFlags: VK_SHADER_STAGE_COMPUTE_BIT.rawValue, offset: 0, size: UInt32(pushBytes))))
    }
    return try core.own(operation, destroy: core.functions.destroyPipelineLayout) {
      core.functions.createPipelineLayout($0, &info, nil, &$1)
    }
  }

  private static func makePipeline(
    _ words: [UInt32], _ description: PipelineDescription, _ layout: OpaquePointer, _ core: DeviceCore,
    _ cache: PipelineCache, _ operation: String
  ) throws(GPUError) -> DeviceObject {
    let arena = Arena()
    var moduleInfo = VkShaderModuleCreateInfo()
    moduleInfo.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO
    moduleInfo.codeSize = words.count * 4
    moduleInfo.pCode = UnsafePointer(arena.place(words))
    let module = try core.own(operation, destroy: core.functions.destroyShaderModule) {
      core.functions.createShaderModule($0, &moduleInfo, nil, &$1)
    }
    var stage = VkPipelineShaderStageCreateInfo()
    stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO
    stage.stage = VK_SHADER_STAGE_COMPUTE_BIT
    stage.module = module.handle
    stage.pName = arena.place("main")
    if !description.specialization.isEmpty {
      let entries = description.specialization.indices.map {
        VkSpecializationMapEntry(constantID: UInt32($0), offset: UInt32($0 * 4), size: 4)
      }
      var specialization = VkSpecializationInfo()
      specialization.mapEntryCount = UInt32(entries.count)
      specialization.pMapEntries = UnsafePointer(arena.place(entries))
      specialization.dataSize = entries.count * 4
      specialization.pData = UnsafeRawPointer(arena.place(description.specialization)!)
      stage.pSpecializationInfo = UnsafePointer(arena.place(specialization))
    }
    // SPIR-V 1.6 lets a driver choose any size it has unless one is required.
    if core.info.canChooseSubgroupSize && core.info.minSubgroupSize != core.info.maxSubgroupSize
      || description.subgroupSize.map({ $0 != core.info.subgroupSize }) == true
    {
      var required = VkPipelineShaderStageRequiredSubgroupSizeCreateInfo()
      required.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO
      required.requiredSubgroupSize = UInt32(description.subgroupSize ?? core.info.subgroupSize)
      stage.pNext = UnsafeRawPointer(arena.place(required))
    }
    if description.requireFullSubgroups {
      stage.flags = VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT.rawValue
    }
    var info = VkComputePipelineCreateInfo()
    info.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO
    info.stage = stage
    info.layout = layout
    let pipeline = try core.own(operation, destroy: core.functions.destroyPipeline) {
      core.functions.createComputePipelines($0, cache.handle, 1, &info, nil, &$1)
    }
    cache.noteNewPipeline()
    return pipeline
  }
}
