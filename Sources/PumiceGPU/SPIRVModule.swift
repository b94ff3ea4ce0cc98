/// What a SPIR-V module says of itself before its functions begin.
struct SPIRVModule {
  static let magic: UInt32 = 0x0723_0203

  /// A type, as far as sizes and push constants need it.
  private enum ModuleType {
    case scalar(bytes: Int)
    case vector(element: UInt32, count: Int)
    case array(element: UInt32, length: UInt32)
    case structure(members: [UInt32])
    case pointer(storageClass: UInt32, target: UInt32)
  }

  private enum Constant {
    case value(UInt64)
    case composite([UInt32])
    case operation(opcode: UInt32, operands: [UInt32])
  }

  private struct Member: Hashable {
    let type: UInt32
    let index: UInt32
  }

  private(set) var capabilities: [UInt32] = []
  private var types: [UInt32: ModuleType] = [:]
  private var constants: [UInt32: Constant] = [:]
  private var specializationIDs: [UInt32: UInt32] = [:]
  private var memberNames: [Member: String] = [:]
  private var memberOffsets: [Member: Int] = [:]
  private var variables: [(type: UInt32, storageClass: UInt32)] = []
  private var bindings: [UInt32: Int] = [:]
  private var literalSize: [Int]?
  private var sizeIDs: [UInt32]?
  private var workgroupSizeID: UInt32?

  /// - Throws: `shaderCompilation` if the words are no SPIR-V.
  init(_ words: [UInt32], name: String) throws(GPUError) {
    let broken = GPUError(
      code: .shaderCompilation, operation: "reading the SPIR-V of \(name)", detail: "it is malformed")
    guard words.count >= 5, words[0] == Self.magic else { throw broken }
    var position = 5
    while position < words.count {
      let count = Int(words[position] >> 16)
      let opcode = words[position] & 0xFFFF
      guard count > 0, position + count <= words.count else { throw broken }
      if opcode == 54 { break }  // OpFunction: only code follows.
      let operands = Array(words[position + 1..<position + count])
      guard operands.count >= Self.leastOperands[opcode] ?? 0 else { throw broken }
      read(opcode, operands)
      position += count
    }
  }

  private static let leastOperands: [UInt32: Int] = [
    6: 2, 16: 2, 17: 1, 20: 1, 21: 2, 22: 2, 23: 3, 28: 3, 29: 2, 30: 1, 32: 3, 41: 2, 42: 2, 43: 3, 44: 2, 48: 2,
    49: 2, 50: 3, 51: 2, 52: 3, 59: 3, 71: 2, 72: 3, 331: 2,
  ]

  private mutating func read(_ opcode: UInt32, _ o: [UInt32]) {
    switch opcode {
    case 6: memberNames[Member(type: o[0], index: o[1])] = Self.text(o.dropFirst(2))
    case 16 where o[1] == 17 && o.count >= 5: literalSize = o[2...4].map { Int($0) }
    case 331 where o[1] == 38 && o.count >= 5: sizeIDs = Array(o[2...4])
    case 17: capabilities.append(o[0])
    case 20: types[o[0]] = .scalar(bytes: 4)
    case 21, 22: types[o[0]] = .scalar(bytes: Int(o[1]) / 8)
    case 23: types[o[0]] = .vector(element: o[1], count: Int(o[2]))
    case 28: types[o[0]] = .array(element: o[1], length: o[2])
    case 30: types[o[0]] = .structure(members: Array(o.dropFirst()))
    case 32: types[o[0]] = .pointer(storageClass: o[1], target: o[2])
    case 41, 48: constants[o[1]] = .value(1)
    case 42, 49: constants[o[1]] = .value(0)
    case 43, 50: constants[o[1]] = .value(UInt64(o[2]) | (o.count > 3 ? UInt64(o[3]) << 32 : 0))
    case 44, 51: constants[o[1]] = .composite(Array(o.dropFirst(2)))
    case 52: constants[o[1]] = .operation(opcode: o[2], operands: Array(o.dropFirst(3)))
    case 59: variables.append((o[0], o[2]))
    case 71 where o[1] == 1 && o.count >= 3: specializationIDs[o[0]] = o[2]
    case 71 where o[1] == 11 && o.count >= 3 && o[2] == 25: workgroupSizeID = o[0]
    case 71 where o[1] == 33 && o.count >= 3: bindings[o[0]] = Int(o[2])
    case 72 where o[2] == 35 && o.count >= 4: memberOffsets[Member(type: o[0], index: o[1])] = Int(o[3])
    default: break
    }
  }

  private static func text(_ words: ArraySlice<UInt32>) -> String {
    let bytes = words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  // MARK: Constants

  /// The value of a constant under a specialization; nil where it cannot be told.
  private func value(_ id: UInt32, _ specialization: [UInt32: UInt32], depth: Int = 0) -> UInt64? {
    guard depth < 32 else { return nil }
    if let constant = specializationIDs[id], let given = specialization[constant] { return UInt64(given) }
    switch constants[id] {
    case .value(let value): return value
    case .operation(let opcode, let operands): return evaluate(opcode, operands, specialization, depth + 1)
    case .composite, nil: return nil
    }
  }

  private func evaluate(
    _ opcode: UInt32, _ operands: [UInt32], _ specialization: [UInt32: UInt32], _ depth: Int
  ) -> UInt64? {
    if opcode == 81 {  // OpCompositeExtract
      guard operands.count == 2, case .composite(let parts) = constants[operands[0]], operands[1] < parts.count else {
        return nil
      }
      return value(parts[Int(operands[1])], specialization, depth: depth)
    }
    let values = operands.map { value($0, specialization, depth: depth) }
    guard !values.isEmpty, values.allSatisfy({ $0 != nil }) else { return nil }
    let v = values.map { UInt32(truncatingIfNeeded: $0!) }
    if v.count == 1 { return opcode == 124 || opcode == 113 ? UInt64(v[0]) : nil }  // OpBitcast, OpUConvert
    if opcode == 169 { return v.count == 3 ? UInt64(v[0] != 0 ? v[1] : v[2]) : nil }  // OpSelect
    guard v.count == 2 else { return nil }
    let (a, b) = (v[0], v[1])
    let (signedA, signedB) = (Int32(bitPattern: a), Int32(bitPattern: b))
    switch opcode {
    case 128: return UInt64(a &+ b)
    case 130: return UInt64(a &- b)
    case 132: return UInt64(a &* b)
    case 134: return b == 0 ? nil : UInt64(a / b)
    case 135:
      return b == 0 ? nil : UInt64(UInt32(bitPattern: signedA.dividedReportingOverflow(by: signedB).partialValue))
    case 137: return b == 0 ? nil : UInt64(a % b)
    case 194: return UInt64(b < 32 ? a >> b : 0)
    case 196: return UInt64(b < 32 ? a << b : 0)
    case 197: return UInt64(a | b)
    case 199: return UInt64(a & b)
    case 170: return a == b ? 1 : 0
    case 171: return a != b ? 1 : 0
    case 172: return a > b ? 1 : 0
    case 173: return signedA > signedB ? 1 : 0
    case 174: return a >= b ? 1 : 0
    case 175: return signedA >= signedB ? 1 : 0
    case 176: return a < b ? 1 : 0
    case 177: return signedA < signedB ? 1 : 0
    case 178: return a <= b ? 1 : 0
    case 179: return signedA <= signedB ? 1 : 0
    default: return nil
    }
  }

  // MARK: What is asked of it

  /// Invocations of a workgroup in x, y and z; empty where that cannot be told.
  func localSize(_ specialization: [UInt32: UInt32]) -> [Int] {
    if let id = workgroupSizeID, case .composite(let parts) = constants[id] {
      let sizes = parts.compactMap { value($0, specialization) }
      if sizes.count == 3 { return sizes.map { Int(clamping: $0) } }
    }
    if let sizeIDs {
      let sizes = sizeIDs.compactMap { value($0, specialization) }
      return sizes.count == 3 ? sizes.map { Int(clamping: $0) } : []
    }
    return literalSize ?? []
  }

  /// Bytes of shared memory; nil where an array's length cannot be told.
  func sharedMemory(_ specialization: [UInt32: UInt32]) -> Int? {
    var total = 0
    for variable in variables where variable.storageClass == 4 {
      guard case .pointer(_, let target) = types[variable.type], let size = size(of: target, specialization) else {
        return nil
      }
      total += size
    }
    return total
  }

  private func size(of type: UInt32, _ specialization: [UInt32: UInt32], depth: Int = 0) -> Int? {
    guard depth < 32 else { return nil }
    switch types[type] {
    case .scalar(let bytes): return bytes
    case .vector(let element, let count): return size(of: element, specialization, depth: depth + 1).map { $0 * count }
    case .array(let element, let length):
      guard let count = value(length, specialization), count < 1 << 31,
        let bytes = size(of: element, specialization, depth: depth + 1)
      else { return nil }
      return bytes * Int(count)
    case .structure(let members):
      var total = 0
      for member in members {
        guard let bytes = size(of: member, specialization, depth: depth + 1) else { return nil }
        total += bytes
      }
      return total
    case .pointer: return 8
    case nil: return nil
    }
  }

  /// The members of the push-constant block.
  var pushConstants: [ShaderReflection.Member] {
    guard let variable = variables.first(where: { $0.storageClass == 9 }),
      case .pointer(_, let block) = types[variable.type], case .structure(let members) = types[block]
    else { return [] }
    return members.enumerated().map { index, type in
      let member = Member(type: block, index: UInt32(index))
      var isAddress = false
      if case .pointer = types[type] { isAddress = true }
      return ShaderReflection.Member(
        name: memberNames[member] ?? "", offset: memberOffsets[member] ?? 0, byteCount: size(of: type, [:]) ?? 0,
        isAddress: isAddress)
    }
  }

  /// One more than the highest descriptor binding.
  var bindingCount: Int { (bindings.values.max() ?? -1) + 1 }
}
