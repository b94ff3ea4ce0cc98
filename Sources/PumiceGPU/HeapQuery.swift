import CVulkan

extension Instance {
  /// The memory properties of a device; budgets are zero where the driver does not tell.
  func memory(of device: OpaquePointer, budgets: Bool) -> (
    VkPhysicalDeviceMemoryProperties, budget: [Int], usage: [Int]
  ) {
    let arena = Arena()
    let budget = arena.place(VkPhysicalDeviceMemoryBudgetPropertiesEXT())
    budget.pointee.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT
    var properties = VkPhysicalDeviceMemoryProperties2()
    properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2
    if budgets { properties.pNext = UnsafeMutableRawPointer(budget) }
    functions.getPhysicalDeviceMemoryProperties2(device, &properties)
    func numbers<T>(_ tuple: T) -> [Int] {
      withUnsafeBytes(of: tuple) { $0.bindMemory(to: VkDeviceSize.self).map { Int(clamping: $0) } }
    }
    return (
      properties.memoryProperties, numbers(budget.pointee.heapBudget), numbers(budget.pointee.heapUsage)
    )
  }

  func heaps(of device: OpaquePointer, budgets: Bool) -> [MemoryHeap] {
    let (properties, budget, usage) = memory(of: device, budgets: budgets)
    return withUnsafeBytes(of: properties.memoryHeaps) { bytes in
      bytes.bindMemory(to: VkMemoryHeap.self).prefix(Int(properties.memoryHeapCount)).enumerated().map { index, heap in
        MemoryHeap(
          size: Int(clamping: heap.size), budget: budgets ? budget[index] : nil, usage: budgets ? usage[index] : nil,
          deviceLocal: heap.flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT.rawValue != 0)
      }
    }
  }

  /// Whether the host can write all memory of the device: a CPU or integrated device with a type that is both local to
  /// it and mapped coherently.
  func isUnified(_ device: OpaquePointer, _ info: DeviceInfo) -> Bool {
    guard info.kind != .discrete else { return false }
    let wanted =
      VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT.rawValue | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT.rawValue
      | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT.rawValue
    return memoryTypes(of: device).contains {
      $0.flags & wanted == wanted && info.heaps[$0.heap].size == largestLocal(info)
    }
  }

  private func largestLocal(_ info: DeviceInfo) -> Int { info.heaps.filter(\.deviceLocal).map(\.size).max() ?? 0 }

  /// Property flags and heap of each memory type.
  func memoryTypes(of device: OpaquePointer) -> [(flags: UInt32, heap: Int)] {
    let properties = memory(of: device, budgets: false).0
    return withUnsafeBytes(of: properties.memoryTypes) { bytes in
      bytes.bindMemory(to: VkMemoryType.self).prefix(Int(properties.memoryTypeCount)).map {
        ($0.propertyFlags, Int($0.heapIndex))
      }
    }
  }
}
