import Foundation
import PumiceModelFiles
import Testing

@Suite struct QuantizationConfigTests {
  private func config(_ text: String) throws -> QuantizationConfig? {
    try QuantizationConfig(bytes: Array(text.utf8), name: "config.json")
  }

  private func message(_ text: String) -> String {
    do throws(ModelFileError) {
      return "read: \(String(describing: try QuantizationConfig(bytes: Array(text.utf8), name: "config.json")))"
    } catch {
      return error.description
    }
  }

  @Test func mlxWithExceptions() throws {
    let text = """
      {"model_type": "llama", "time_step_limit": [0.0, Infinity],
       "quantization": {"group_size": 64, "bits": 4, "mode": "affine",
                        "model.embed_tokens": {"group_size": 32, "bits": 6}, "lm_head": false, "model.norm": true},
       "quantization_config": {"quant_method": "fp8"}}
      """
    guard case .mlx(let mlx) = try config(text) else {
      Issue.record("not MLX's")
      return
    }
    let usual = MLXQuantization.Scheme(bits: 4, group: 64, isSymmetric: false)
    #expect(mlx.scheme == usual && mlx.scheme(of: "model.layers.0.mlp.up_proj") == usual)
    #expect(mlx.scheme(of: "model.embed_tokens") == .init(bits: 6, group: 32, isSymmetric: false))
    #expect(mlx.scheme(of: "lm_head") == nil)
    #expect(mlx.scheme(of: "model.norm") == usual)
    guard case .mlx(let older) = try config(#"{"quantization_config": {"group_size": 128, "bits": 3}}"#) else {
      Issue.record("not MLX's")
      return
    }
    #expect(older.scheme == .init(bits: 3, group: 128, isSymmetric: false))
  }

  @Test func pumicesExtension() throws {
    func scheme(_ bits: Int, _ group: Int, _ rest: String) throws -> MLXQuantization.Scheme? {
      let text = #"{"quantization": {"pumice_version": 1, "bits": \#(bits), "group_size": \#(group)\#(rest)}}"#
      guard case .mlx(let mlx) = try config(text) else { return nil }
      return mlx.scheme
    }
    #expect(try scheme(1, 96, "") == .init(bits: 1, group: 96, isSymmetric: false))
    #expect(try scheme(7, -1, #", "mode": "symmetric""#) == .init(bits: 7, group: nil, isSymmetric: true))
  }

  @Test func gptq() throws {
    let text = """
      {"quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": true, "sym": false,
        "damp_percent": 0.01, "checkpoint_format": "gptq_v2", "dynamic": null, "pack_dtype": "int32"}}
      """
    guard case .gptq(let gptq) = try config(text) else {
      Issue.record("not GPTQ's")
      return
    }
    #expect(gptq.bits == 4 && gptq.group == 128 && gptq.isOrdered && !gptq.isSymmetric && gptq.zeroOffset == 0)
    let least = #"{"quantization_config": {"quant_method": "gptq", "bits": 3, "group_size": -1}}"#
    guard case .gptq(let old) = try config(least) else {
      Issue.record("not GPTQ's")
      return
    }
    #expect(old.bits == 3 && old.group == nil && !old.isOrdered && old.isSymmetric && old.zeroOffset == 1)
  }

  @Test func awq() throws {
    let text = """
      {"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": true,
        "version": "GEMM", "modules_to_not_convert": ["visual"], "backend": "autoawq"}}
      """
    guard case .awq(let awq) = try config(text) else {
      Issue.record("not AWQ's")
      return
    }
    #expect(awq.bits == 4 && awq.group == 128 && awq.unconverted == ["visual"])
  }

  @Test func modelsThatAreNotQuantized() throws {
    #expect(try config("{}") == nil)
    #expect(try config(#"{"quantization_config": null, "quantization": null}"#) == nil)
  }

  @Test(
    arguments: [
      (
        #""quant_method": "bitsandbytes""#,
        "key quantization_config.quant_method: the method “bitsandbytes” is not read"
      ),
      (#""quant_method": 4"#, "key quantization_config.quant_method: is an integer, expected a string"),
      (#""bits": 4"#, "key quantization_config.quant_method: the file does not have it"),
      (#""quant_method": "gptq", "group_size": 128"#, "key quantization_config.bits: the file does not have it"),
      (#""quant_method": "gptq", "bits": 5, "group_size": 128"#, "bits: 5 bits are not read, only 2, 3, 4, 8"),
      (#""quant_method": "gptq", "bits": "4", "group_size": 128"#, "bits: is a string, expected an integer"),
      (#""quant_method": "gptq", "bits": 4.5, "group_size": 128"#, "bits: is a number, expected an integer"),
      (#""quant_method": "gptq", "bits": 4"#, "key quantization_config.group_size: the file does not have it"),
      (#""quant_method": "gptq", "bits": 4, "group_size": 0"#, "groups of 0 are not read"),
      (#""quant_method": "gptq", "bits": 4, "group_size": 48"#, "groups of 48 are not read"),
      (#""quant_method": "gptq", "bits": 4, "group_size": -2"#, "groups of -2 are not read"),
      (#""quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": 1"#, "desc_act: is an integer"),
      (
        #""quant_method": "gptq", "bits": 4, "group_size": 32, "checkpoint_format": "marlin""#,
        "key quantization_config.checkpoint_format: the format “marlin” is not read"
      ),
      (
        #""quant_method": "gptq", "bits": 4, "group_size": 32, "format": "gptq_v3""#,
        "config.format: the format “gptq_v3”"
      ),
      (#""quant_method": "gptq", "bits": 4, "group_size": 32, "is_marlin_format": true"#, "Marlin"),
      (#""quant_method": "gptq", "bits": 4, "group_size": 32, "pack_dtype": "int8""#, "codes in int8"),
      (#""quant_method": "gptq", "bits": 4, "group_size": 32, "dynamic": {"-:.*": {}}"#, "layers that differ"),
      (#""quant_method": "awq", "bits": 3, "group_size": 128"#, "3 bits are not read, only 4"),
      (
        #""quant_method": "awq", "bits": 4, "group_size": 128, "version": "gemv""#,
        "version: the version “gemv” is not read"
      ),
      (#""quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": false"#, "without zero points"),
      (#""quant_method": "awq", "w_bit": 8, "q_group_size": 128"#, "key quantization_config.w_bit: 8 bits"),
      (#""quant_method": "awq", "bits": 4, "group_size": 128, "modules_to_not_convert": [1]"#, "has an integer"),
      (#""quant_method": "awq", "bits": 4, "group_size": 128, "modules_to_not_convert": "a""#, "is a string"),
    ])
  func whatIsNotReadIsNamed(members: String, part: String) {
    let message = message("{\"quantization_config\": {\(members)}}")
    #expect(message.hasPrefix("config.json: ") && message.contains(part), "\(message)")
  }

  @Test(
    arguments: [
      (#""bits": 4"#, "key quantization.group_size: the file does not have it"),
      (#""bits": 7, "group_size": 64"#, "key quantization.bits: 7 bits are not read, only 2, 3, 4, 5, 6, 8"),
      (#""bits": 4, "group_size": 96"#, "groups of 96 are not MLX's"),
      (#""bits": 4, "group_size": -1"#, "groups of -1 are not MLX's"),
      (#""bits": 4, "group_size": 32, "mode": "mxfp4""#, "key quantization.mode: the mode “mxfp4” is not read"),
      (#""bits": 4, "group_size": 32, "mode": "symmetric""#, "the mode “symmetric” is not read"),
      (
        #""bits": 4, "group_size": 32, "lm_head": {"bits": 9, "group_size": 32}"#,
        "key quantization.lm_head.bits: 9 bits"
      ),
      (#""bits": 4, "group_size": 32, "pumice_version": 2"#, "pumice_version: version 2 is unknown"),
      (#""bits": 9, "group_size": 32, "pumice_version": 1"#, "bits: 9 bits are not read, only 1, 2, 3, 4, 5, 6, 7, 8"),
    ])
  func whatIsNotMLXIsNamed(members: String, part: String) {
    let message = message("{\"quantization\": {\(members)}}")
    #expect(message.hasPrefix("config.json: ") && message.contains(part), "\(message)")
  }

  @Test func brokenFiles() throws {
    #expect(message("").contains("config.json: the file is not JSON: it ends where a value should be, at byte 0"))
    #expect(message("[]") == "config.json: the file is not a JSON object")
    #expect(message(#"{"quantization": 4}"#).contains("key quantization: is an integer, expected an object"))
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pumice-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let error = #expect(throws: ModelFileError.self) { _ = try QuantizationConfig(path: folder.path) }
    #expect(error?.code == .notFound && error?.file == folder.path + "/config.json")
    try Data(#"{"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": -1}}"#.utf8)
      .write(to: folder.appendingPathComponent("config.json"))
    guard case .awq(let awq) = try QuantizationConfig(path: folder.path) else {
      Issue.record("not AWQ's")
      return
    }
    #expect(awq.group == nil)
  }
}
