import Foundation
import PumiceModelFiles
import PumiceQuantization
import PumiceTensors

/// Low-rank pairs that make up for the errors of quantized layers, and the files that hold them: an adapter as PEFT reads
/// it, `adapter_model.safetensors` and `adapter_config.json`.
///
/// The product of a layer is W·x + B·(A·x), where A is `lora_A` [rank, inputs] and B is `lora_B` [outputs, rank]; α equals the
/// rank, so nothing scales it.
final class FolderAdapters {
  let rank: Int
  private var pairs: [(layer: String, a: [UInt8], b: [UInt8], inputs: Int, outputs: Int)] = []

  init(rank: Int) { self.rank = rank }

  /// Whether a layer gets a pair: a linear layer that is wide enough, and no table of the vocabulary.
  func wants(_ layer: String, _ shape: Shape) -> Bool {
    !layer.hasSuffix("embed_tokens") && !layer.hasSuffix("lm_head") && min(shape[0], shape[1]) >= rank
  }

  func add(_ layer: String, left: Matrix, right: Matrix) {
    pairs.append((layer, floatBytes(right.values), floatBytes(left.values), right.columns, left.rows))
  }

  /// - Throws: what writing throws.
  func write(to folder: String) throws {
    var writer = SafetensorsWriter(metadata: ["format": "pt"])
    for pair in pairs {
      let name = "base_model.model.\(pair.layer)"
      writer.addTensor("\(name).lora_A.weight", shape: [rank, pair.inputs], type: .f32, bytes: pair.a)
      writer.addTensor("\(name).lora_B.weight", shape: [pair.outputs, rank], type: .f32, bytes: pair.b)
    }
    try writer.write(to: "\(folder)/adapter_model.safetensors")
    let targets = Set(pairs.compactMap { $0.layer.split(separator: ".").last.map(String.init) }).sorted()
    let config: [String: Any] = [
      "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": rank, "lora_dropout": 0, "bias": "none",
      "fan_in_fan_out": false, "inference_mode": true, "target_modules": targets,
    ]
    let data = try JSONSerialization.data(withJSONObject: config, options: [.prettyPrinted, .sortedKeys])
    try writeText(String(decoding: data, as: UTF8.self), to: "\(folder)/adapter_config.json")
  }
}

/// - Throws: `inputOutput`.
func writeText(_ text: String, to path: String) throws(ModelFileError) {
  do { try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic) } catch {
    throw ModelFileError(file: path, code: .inputOutput, detail: error.localizedDescription)
  }
}
