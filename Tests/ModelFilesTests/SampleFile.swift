import PumiceModelFiles
import PumiceTensors

/// A small valid file with every metadata type and several tensor types.
func sampleWriter(alignment: Int = 32) -> GGUFWriter {
  var writer = GGUFWriter(alignment: alignment)
  for (key, value) in sampleMetadata { writer.metadata[key] = value }
  writer.addTensor("plain", shape: [2, 3], floats: [1, 2, 3, 4, 5, 6])
  writer.addTensor("blocks", shape: [2, 32], type: .q8_0, bytes: [UInt8](repeating: 7, count: 68))
  writer.addTensor("exotic", shape: [32], type: .q8_1, bytes: [UInt8](0..<36))
  writer.addTensor("scalar", shape: [], floats: [0.5])
  return writer
}

let sampleMetadata: [(String, GGUFValue)] = [
  ("general.architecture", .string("llama")),
  ("t.u8", .uint8(200)), ("t.i8", .int8(-100)), ("t.u16", .uint16(60000)), ("t.i16", .int16(-30000)),
  ("t.u32", .uint32(4_000_000_000)), ("t.i32", .int32(-2_000_000_000)), ("t.u64", .uint64(.max)),
  ("t.i64", .int64(.min)), ("t.f32", .float32(1.5)), ("t.f64", .float64(-2.25)), ("t.bool", .bool(true)),
  ("t.text", .string("größer 🦙")), ("t.empty", .string("")),
  ("a.u8", .array(.uint8([1, 2, 255]))), ("a.i8", .array(.int8([-1, 2]))), ("a.u16", .array(.uint16([1, 65535]))),
  ("a.i16", .array(.int16([-32768]))), ("a.u32", .array(.uint32([.max]))), ("a.i32", .array(.int32([.min, 7]))),
  ("a.u64", .array(.uint64([.max, 1]))), ("a.i64", .array(.int64([-5]))), ("a.f32", .array(.float32([0.25, -1]))),
  ("a.f64", .array(.float64([1e300]))), ("a.bool", .array(.bool([true, false]))),
  ("a.text", .array(.string(["a", "", "é"]))), ("a.none", .array(.string([]))),
  ("a.nested", .array(.array([.int32([1, 2]), .string(["x"]), .array([.bool([false])])]))),
]

/// The error that opening `bytes` ends in, or nil when they are a valid file.
func failure(_ bytes: [UInt8]) -> ModelFileError? {
  do throws(ModelFileError) {
    _ = try GGUFFile(bytes: bytes, name: "model.gguf")
    return nil
  } catch { return error }
}
