import CVulkan
import Foundation
import Testing

@testable import PumiceGPU

/// Reads two buffers, of which one also as words, and writes a third.
private let mixShader = """
  #version 460
  #include "Common/buffers.glsl"
  BUFFER(0, readonly, float, Left, a)
  BUFFER_ALIGNED(1, readonly, vec4, Right, b, 16)
  BUFFER(2, readwrite, float, Output, y)
  BUFFER(3, readonly, uint, Words, w)
  CONSTANTS(
    ADDRESS(Left, a) ADDRESS(Right, b) ADDRESS(Output, y) ADDRESS(Words, w)
    uint count;
  )
  layout(local_size_x = 32) in;
  void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i < count) y.v[i] = 0.75 * y.v[i] + a.v[(i * 7 + 3) % count] * b.v[i / 4][i % 4] + float(w.v[i] & 255u);
  }
  """

/// A chain of dependent dispatches, copies and fills; returns the bits of all buffers and how many barriers it took.
private func chain(_ device: Device) throws -> (bits: [[UInt32]], barriers: Int) {
  let count = 1000
  let pipeline = try device.pipeline(
    PipelineDescription(source: try source(mixShader), bufferCount: 4, constantBytes: 4))
  let buffers = try (0..<4).map { try device.makeBuffer(byteCount: 4 * count, label: "buffer \($0)") }
  for (index, buffer) in buffers.enumerated() {
    try buffer.write((0..<count).map { sin(Float($0 + 17 * index)) })
  }
  let list = try device.makeCommandList(label: "chain")
  for step in 0..<24 {
    let (a, b, y) = (buffers[step % 4], buffers[(step + 1) % 4], buffers[(step + 2) % 4])
    if step % 5 == 4 {
      try list.copy(
        from: a.slice(offset: 0, byteCount: 2000), to: y.slice(offset: 1024, byteCount: 2000))
    } else if step % 7 == 6 {
      try list.fill(y.slice(offset: 512, byteCount: 256), word: (0.25 as Float).bitPattern)
    } else {
      try list.dispatch(
        pipeline, buffers: [(a.whole, .read), (b.whole, .read), (y.whole, .readWrite), (a.whole, .read)],
        constants: [UInt32(count)], groups: ((count + 31) / 32, 1, 1), label: "mix \(step)")
    }
  }
  try list.run()
  return (try buffers.map { try $0.read(UInt32.self, count: count) }, list.barrierCount)
}

extension GPUTests {
  @Test(arguments: BufferBinding.allCases) func scaling(_ binding: BufferBinding) throws {
    try withDevice({ $0.binding = binding }) { device in
      let count = 1000
      let x = try device.makeBuffer(byteCount: 4 * count, memory: .upload, label: "x")
      let y = try device.makeBuffer(byteCount: 4 * count, memory: .readback, label: "y")
      try x.write((0..<count).map { Float($0) })
      try y.fill(word: 0)
      let pipeline = try device.scalePipeline()
      #expect(try device.scalePipeline() === pipeline)
      let list = try device.makeCommandList(label: "scaling")
      // All but the first 256 bytes, which any device takes as an offset.
      let part = (try x.slice(offset: 256, byteCount: 3000), try y.slice(offset: 256, byteCount: 3000))
      try list.scale(pipeline, part.0, part.1, by: 2)
      try list.run()
      let expected = (0..<count).map { $0 >= 64 && $0 < 814 ? 2 * Float($0) : 0 }
      #expect(try y.read(Float.self, count: count) == expected)
      #expect(list.dispatchCount == 1 && list.barrierCount == 0)
    }
  }

  @Test func sameBitsWithBarriersEverywhere() throws {
    let (bits, barriers) = try withDevice { try chain($0) }
    let everywhere = try withDevice({ $0.barrierEverywhere = true }) { try chain($0) }
    #expect(everywhere.bits == bits)
    #expect(everywhere.barriers == 24 && barriers < 24 && barriers > 4)
    let descriptors = try withDevice({ $0.binding = .descriptors }) { try chain($0) }
    #expect(descriptors.bits == bits && descriptors.barriers == barriers)
    let staged = try withDevice({ $0.forceStaging = true }) { try chain($0) }
    #expect(staged.bits == bits)
  }

  @Test(.enabled(if: hasValidation, "VK_LAYER_KHRONOS_validation is not installed"))
  func synchronizationValidationSeesNoHazard() throws {
    for staged in [false, true] {
      _ = try withDevice({
        $0.binding = .descriptors
        $0.validation = .synchronization
        $0.forceStaging = staged
      }) { try chain($0) }
    }
  }

  @Test(.enabled(if: hasValidation, "VK_LAYER_KHRONOS_validation is not installed"))
  func synchronizationValidationSeesAMissingBarrier() throws {
    let options = testOptions {
      $0.binding = .descriptors
      $0.validation = .synchronization
    }
    let device = try Device.open(options: options)
    let buffers = try (0..<3).map { try device.makeBuffer(byteCount: 1024, label: "buffer \($0)") }
    let pipeline = try device.scalePipeline()
    let list = try device.makeCommandList(label: "without barriers")
    list.tracksHazards = false
    try list.scale(pipeline, buffers[0].whole, buffers[1].whole, by: 2)
    try list.scale(pipeline, buffers[1].whole, buffers[2].whole, by: 2)
    try list.run()
    #expect(device.validationMessages.contains { $0.contains("SYNC-HAZARD") })
  }

  @Test(.enabled(if: hasValidation, "VK_LAYER_KHRONOS_validation is not installed"))
  func validationOnTheDevice() throws {
    let bits = try withDevice { try chain($0).bits }
    #expect(try withDevice({ $0.validation = .gpuAssisted }) { try chain($0).bits } == bits)
  }

  @Test func recordOnceReplay() throws {
    try withDevice { device in
      let x = try device.makeBuffer(byteCount: 64, label: "x")
      let y = try device.makeBuffer(byteCount: 64, label: "y")
      try x.write([Float](repeating: 1, count: 16))
      let pipeline = try device.scalePipeline()
      let list = try device.makeCommandList(label: "replayed")
      try list.scale(pipeline, x.whole, y.whole, by: 2)
      try list.scale(pipeline, y.whole, x.whole, by: 1.5)
      #expect(list.barrierCount == 1)
      // Without waiting in between: the replays must be in order among themselves.
      for _ in 0..<9 { try list.submit() }
      try list.run()
      #expect(try x.read(Float.self, count: 16) == [Float](repeating: 59049, count: 16))
      let error = gpuError { try list.scale(pipeline, x.whole, y.whole, by: 2) }
      #expect(error?.code == .invalidArgument)
    }
  }

  @Test func longListsAreSubmittedInPieces() throws {
    try withDevice { device in
      let x = try device.makeBuffer(byteCount: 4096, label: "x")
      try x.write([Float](repeating: 1, count: 1024))
      let y = try device.makeBuffer(byteCount: 4096, label: "y")
      let pipeline = try device.scalePipeline()
      let list = try device.makeCommandList(label: "long")
      list.costLimit = 100
      for step in 0..<20 {
        let (from, to) = step % 2 == 0 ? (x, y) : (y, x)
        try list.scale(pipeline, from.whole, to.whole, by: 2, cost: 30)
      }
      try list.run()
      #expect(list.pieceCount == 7)
      try list.run()
      #expect(try x.read(Float.self, count: 1024).allSatisfy { $0 == 1_099_511_627_776 })
      // One dispatch that is too long by itself stays whole.
      let single = try device.makeCommandList(label: "single")
      single.costLimit = 1
      try single.scale(pipeline, x.whole, y.whole, by: 2, cost: 1000)
      try single.run()
      #expect(single.pieceCount == 1)
    }
  }

  @Test(.enabled(if: hasTimestamps, "the device has no timestamps")) func timestampsRise() throws {
    try withDevice { device in
      let x = try device.makeBuffer(byteCount: 1 << 20, label: "x")
      let y = try device.makeBuffer(byteCount: 1 << 20, label: "y")
      try x.write([Float](repeating: 1, count: 1 << 18))
      let pipeline = try device.scalePipeline()
      let list = try device.makeCommandList(label: "timed")
      // More than one query pool holds.
      for step in 0..<200 {
        #expect(try list.timestamp("before \(step)") == step)
        if step % 50 == 0 { try list.scale(pipeline, x.whole, y.whole, by: 2) }
      }
      for _ in 0..<2 {
        let start = ContinuousClock.now
        let times = try list.submit().timestamps()
        let wall = UInt64((ContinuousClock.now - start) / .nanoseconds(1))
        #expect(times.count == 200)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(times[199] > times[0] && times[199] - times[0] < wall)
      }
    }
  }

  @Test func emptyLists() throws {
    try withDevice { device in
      try device.makeCommandList(label: "empty").run()
      #expect(try device.makeCommandList(label: "empty").submit().timestamps() == [])
      let x = try device.makeBuffer(byteCount: 64, label: "x")
      let list = try device.makeCommandList(label: "no groups")
      let pipeline = try device.scalePipeline()
      try list.dispatch(
        pipeline, buffers: [(x.whole, .read), (x.whole, .write)], constants: [0, 0], groups: (0, 1, 1), label: "none")
      #expect(list.dispatchCount == 0)
      try list.run()
      _ = try device.makeCommandList(label: "never submitted")
    }
  }

  @Test func wrongDispatches() throws {
    try withDevice { device in
      let x = try device.makeBuffer(byteCount: 64, label: "x")
      let pipeline = try device.scalePipeline()
      let list = try device.makeCommandList(label: "wrong")
      let whole: [(BufferSlice, Access)] = [(x.whole, .read), (x.whole, .write)]
      func error(
        _ buffers: [(BufferSlice, Access)], _ constants: [UInt32], _ groups: (Int, Int, Int) = (1, 1, 1)
      ) -> GPUError? {
        gpuError { try list.dispatch(pipeline, buffers: buffers, constants: constants, groups: groups, label: "w") }
      }
      #expect(error([(x.whole, .read)], [1, 2])?.code == .invalidArgument)
      #expect(error(whole, [1])?.code == .invalidArgument)
      #expect(error(whole, [1, 2], (-1, 1, 1))?.code == .invalidArgument)
      #expect(error(whole, [1, 2], (1, 1 << 40, 1))?.code == .invalidArgument)
      let odd = try x.slice(offset: 2, byteCount: 4)
      #expect(error([(odd, .read), (x.whole, .write)], [1, 2])?.code == .invalidArgument)
      let other = try Device.open(options: testOptions())
      let foreign = try other.makeBuffer(byteCount: 64, label: "foreign")
      #expect(error([(foreign.whole, .read), (x.whole, .write)], [1, 2])?.detail.contains("another device") == true)
      #expect(gpuError { try list.copy(from: x.whole, to: foreign.whole) }?.code == .invalidArgument)
      #expect(
        gpuError { try list.copy(from: x.slice(offset: 0, byteCount: 8), to: x.slice(offset: 4, byteCount: 8)) }?.code
          == .invalidArgument)
      #expect(
        gpuError { try list.copy(from: x.slice(offset: 0, byteCount: 8), to: x.slice(offset: 8, byteCount: 4)) }?.code
          == .invalidArgument)
      #expect(gpuError { try list.fill(x.slice(offset: 1, byteCount: 4), word: 0) }?.code == .invalidArgument)
    }
  }

  @Test func waitingTimesOut() throws {
    let device = try Device.open(nil, testOptions { $0.validation = nil }) { functions in
      functions.waitSemaphores = { _, _, _ in VK_TIMEOUT }
    }
    let list = try device.makeCommandList(label: "slow")
    let submission = try list.submit()
    #expect(gpuError { try submission.wait(timeout: .milliseconds(20)) }?.code == .timeout)
  }

  @Test func severalThreads() async throws {
    let device = try Device.open(options: testOptions())
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for task in 0..<8 {
        group.addTask {
          var isRight = true
          for round in 0..<12 {
            let count = 100 + 37 * task + round
            let x = try device.makeBuffer(byteCount: 4 * count, label: "x")
            let y = try device.makeBuffer(byteCount: 4 * count, label: "y")
            try x.write((0..<count).map { Float($0 + task) })
            let pipeline = try device.scalePipeline { $0.source.defines = ["VARIANT": "\(round % 4)"] }
            let list = try device.makeCommandList(label: "task \(task)")
            try list.scale(pipeline, x.whole, y.whole, by: Float(task))
            try list.run()
            let result = try y.read(Float.self, count: count)
            isRight = isRight && result == (0..<count).map { Float(task) * Float($0 + task) }
          }
          return isRight
        }
      }
      for try await isRight in group { #expect(isRight) }
    }
    #expect(device.validationMessages == [])
    #expect(device.compiler.compilationCount <= 4)
  }
}
