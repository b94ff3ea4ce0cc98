import Foundation
import Testing

@testable import PumiceGPU

extension GPUTests {
  @Test func manySmallBuffersAreFewAllocations() throws {
    try withDevice { device in
      // With staging in place, if the device needs it.
      let first = try device.makeBuffer(byteCount: 4, label: "first")
      try first.write([1 as UInt32])
      #expect(try first.read(UInt32.self, count: 1) == [1])
      let before = device.memoryInUse
      var buffers: [Buffer] = []
      for index in 0..<4000 { buffers.append(try device.makeBuffer(byteCount: 1 + index % 3000, label: "b\(index)")) }
      #expect(device.pool.allocationCount <= 5)
      let ranges = buffers.map { $0.address..<$0.address + UInt64($0.byteCount) }.sorted {
        $0.lowerBound < $1.lowerBound
      }
      #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound })
      #expect(ranges.allSatisfy { $0.lowerBound % 256 == 0 })
      for (index, buffer) in buffers.enumerated() {
        try buffer.write([UInt8](repeating: UInt8(truncatingIfNeeded: index), count: buffer.byteCount))
      }
      for (index, buffer) in buffers.enumerated() where index % 97 == 0 {
        let bytes = try buffer.read(UInt8.self, count: buffer.byteCount)
        #expect(bytes.allSatisfy { $0 == UInt8(truncatingIfNeeded: index) })
      }
      let count = device.pool.allocationCount
      buffers.removeAll()
      #expect(device.memoryInUse == before)
      for index in 0..<4000 { buffers.append(try device.makeBuffer(byteCount: 1 + index % 3000, label: "again")) }
      #expect(device.pool.allocationCount <= count + 2)
    }
  }

  @Test func outOfDeviceMemory() throws {
    try withDevice { device in
      let error = gpuError { _ = try device.makeBuffer(byteCount: 1 << 40, label: "a dream") }
      #expect(error?.code == .outOfDeviceMemory)
      #expect(error?.operation.contains("allocating 1.0 TiB for a dream") == true)
      #expect(error?.detail.contains("in use") == true)
      #expect(gpuError { _ = try device.makeBuffer(byteCount: Int.max, label: "more") }?.code == .outOfDeviceMemory)
      #expect(gpuError { _ = try device.makeBuffer(byteCount: 0, label: "none") }?.code == .invalidArgument)
      #expect(gpuError { _ = try device.makeBuffer(byteCount: -4, label: "less") }?.code == .invalidArgument)
      #expect(device.memoryBudget > 0 && device.memoryReserved >= device.memoryInUse)
    }
  }

  @Test(arguments: [false, true]) func transfers(staged: Bool) throws {
    try withDevice({ $0.forceStaging = staged }) { device in
      for kind in MemoryKind.allCases {
        for count in [1, 2, 3, 5, 255, 256, 257, 4093] {
          let buffer = try device.makeBuffer(byteCount: count + 7, memory: kind, label: "bytes")
          let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ count) }
          try buffer.write([UInt8](repeating: 9, count: count + 7))
          try buffer.write(bytes, at: 3)
          let all = try buffer.read(UInt8.self, count: count + 7)
          #expect(all == [9, 9, 9] + bytes + [9, 9, 9, 9], "\(kind), \(count) bytes")
        }
      }
      // More than both stages hold together, in one write.
      let count = (3 * TransferEngine.stageSize + 13 * 8) / 8
      let long = try device.makeBuffer(byteCount: 8 * count + 3, label: "long")
      var numbers = [UInt64](repeating: 0, count: count)
      for index in stride(from: 0, to: count, by: 1001) { numbers[index] = UInt64(index) &* 0x9E37_79B9_7F4A_7C15 }
      try long.write(numbers, at: 3)
      #expect(try long.read(UInt64.self, count: count, at: 3) == numbers)
      let words = try device.makeBuffer(byteCount: 40, label: "words")
      try words.fill(word: 0xDEAD_BEEF)
      try words.fill(word: 7, at: 8, byteCount: 4)
      try words.write([1.5 as Float], at: 0)
      #expect(
        try words.read(UInt32.self, count: 10)
          == [(1.5 as Float).bitPattern, 0xDEAD_BEEF, 7] + [UInt32](repeating: 0xDEAD_BEEF, count: 7))
      #expect(gpuError { try words.fill(word: 0, at: 2) }?.code == .invalidArgument)
    }
  }

  @Test(arguments: [false, true]) func stagedWritesReachDispatches(staged: Bool) throws {
    try withDevice({ $0.forceStaging = staged }) { device in
      let pipeline = try device.scalePipeline()
      let y = try device.makeBuffer(byteCount: 400, label: "y")
      let x = try device.makeBuffer(byteCount: 400, label: "x")
      let list = try device.makeCommandList(label: "scale")
      try list.scale(pipeline, x.whole, y.whole, by: 3)
      for round in 0..<3 {
        try x.write([Float](repeating: Float(round), count: 100))
        try x.write([Float](repeating: 10, count: 50))
        try list.run()
        let expected = [Float](repeating: 30, count: 50) + [Float](repeating: Float(3 * round), count: 50)
        #expect(try y.read(Float.self, count: 100) == expected)
      }
    }
  }

  @Test func boundsOfBuffers() throws {
    try withDevice { device in
      let buffer = try device.makeBuffer(byteCount: 100, label: "small")
      func code(_ body: () throws -> Void) -> GPUError.Code? { gpuError(body)?.code }
      #expect(code { _ = try buffer.slice(offset: 0, byteCount: 101) } == .outOfBounds)
      #expect(code { _ = try buffer.slice(offset: -1, byteCount: 4) } == .outOfBounds)
      #expect(code { _ = try buffer.slice(offset: 101, byteCount: 0) } == .outOfBounds)
      #expect(code { _ = try buffer.slice(offset: 4, byteCount: Int.max) } == .outOfBounds)
      #expect(code { _ = try buffer.slice(offset: 4, byteCount: 0) } == .outOfBounds)
      #expect(code { try buffer.write([UInt64](repeating: 0, count: 13)) } == .outOfBounds)
      #expect(code { try buffer.write([1 as UInt32], at: 98) } == .outOfBounds)
      #expect(code { _ = try buffer.read(UInt64.self, count: 13) } == .outOfBounds)
      #expect(code { _ = try buffer.read(UInt64.self, count: Int.max) } == .outOfBounds)
      #expect(code { _ = try buffer.read(UInt8.self, count: -1) } == .outOfBounds)
      #expect(code { try buffer.fill(word: 0, at: 104) } == .outOfBounds)
      let slice = try buffer.slice(offset: 40, byteCount: 60)
      #expect(slice.address == buffer.address + 40 && slice.byteCount == 60)
    }
  }

  @Test(arguments: [false, true]) func guardGapsNoticeOverruns(staged: Bool) throws {
    let options = testOptions {
      $0.guardGap = 256
      $0.forceStaging = staged
      // Only an address can be overrun; a descriptor ends where its slice does.
      $0.binding = .addresses
    }
    let device = try Device.open(options: options)
    let pipeline = try device.scalePipeline()
    let x = try device.makeBuffer(byteCount: 400, label: "x")
    try x.write([Float](repeating: 1, count: 100))
    var y: Buffer? = try device.makeBuffer(byteCount: 396, label: "too small")
    // The shader is told of 100 values, one more than the buffer holds.
    let list = try device.makeCommandList(label: "overrun")
    try list.dispatch(
      pipeline, buffers: [(x.whole, .read), (y!.whole, .write)], constants: [100, (2 as Float).bitPattern],
      groups: (2, 1, 1), label: "overrun")
    try list.run()
    #expect(device.validationMessages == [])
    _ = consume list
    y = nil
    try device.waitUntilIdle()
    #expect(device.validationMessages.count == 1)
    #expect(device.validationMessages.first?.contains("too small") == true)
    #expect(device.validationMessages.first?.contains("4 bytes past its end") == true)
  }

  @Test func blocksEndInSlack() throws {
    try withDevice { device in
      // A whole number of pages, too large to share a block: what lies behind its end is the slack or nothing.
      let before = device.memoryReserved
      let large = try device.makeBuffer(byteCount: 48 << 20, label: "large")
      #expect(device.memoryReserved - before >= large.byteCount + (64 << 10))
    }
  }

  @Test func submissionsKeepTheirBuffers() throws {
    try withDevice { device in
      let pipeline = try device.scalePipeline()
      let y = try device.makeBuffer(byteCount: 4 << 20, label: "y")
      let submission: Submission
      do {
        let x = try device.makeBuffer(byteCount: 4 << 20, label: "x")
        try x.write([Float](repeating: 4, count: 1 << 20))
        let list = try device.makeCommandList(label: "short-lived")
        try list.scale(pipeline, x.whole, y.whole, by: 0.5)
        submission = try list.submit()
      }
      // Would overwrite x if its memory were free already.
      let other = try device.makeBuffer(byteCount: 4 << 20, label: "other")
      try other.fill(word: 0)
      try submission.wait()
      #expect(try y.read(Float.self, count: 1 << 20).allSatisfy { $0 == 2 })
    }
  }

  @Test func closingWithoutWaiting() throws {
    weak var core: DeviceCore?
    do {
      let device = try Device.open(options: testOptions())
      core = device.core
      let x = try device.makeBuffer(byteCount: 4000, label: "x")
      let list = try device.makeCommandList(label: "abandoned")
      try list.scale(try device.scalePipeline(), x.whole, x.whole, by: 1)
      try list.submit()
    }
    #expect(core == nil)
  }
}
