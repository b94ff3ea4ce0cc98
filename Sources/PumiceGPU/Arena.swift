/// Memory for the structures that a Vulkan call points to; all of it is freed together, after the call.
final class Arena {
  private var allocations: [UnsafeMutableRawPointer] = []

  deinit {
    for allocation in allocations { allocation.deallocate() }
  }

  /// A copy of one plain C value with a stable address.
  func place<T: BitwiseCopyable>(_ value: T) -> UnsafeMutablePointer<T> {
    let pointer = UnsafeMutablePointer<T>.allocate(capacity: 1)
    pointer.initialize(to: value)
    allocations.append(UnsafeMutableRawPointer(pointer))
    return pointer
  }

  /// A copy of an array; nil when it is empty.
  func place<T: BitwiseCopyable>(_ values: [T]) -> UnsafeMutablePointer<T>? {
    if values.isEmpty { return nil }
    let pointer = UnsafeMutablePointer<T>.allocate(capacity: values.count)
    pointer.initialize(from: values, count: values.count)
    allocations.append(UnsafeMutableRawPointer(pointer))
    return pointer
  }

  /// A copy of a string, terminated by zero.
  func place(_ string: String) -> UnsafePointer<CChar> {
    UnsafePointer(place(Array(string.utf8CString))!)
  }

  /// Copies of strings, as C wants a list of names.
  func place(strings: [String]) -> UnsafePointer<UnsafePointer<CChar>?>? {
    if strings.isEmpty { return nil }
    let pointer = UnsafeMutablePointer<UnsafePointer<CChar>?>.allocate(capacity: strings.count)
    pointer.initialize(from: strings.map { Optional(place($0)) }, count: strings.count)
    allocations.append(UnsafeMutableRawPointer(pointer))
    return UnsafePointer(pointer)
  }
}

/// The text in a fixed-size C array of characters, which Swift sees as a tuple.
func string<T>(fixed value: T) -> String {
  withUnsafeBytes(of: value) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}
