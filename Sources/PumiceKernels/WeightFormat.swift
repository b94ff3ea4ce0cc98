import PumiceTensors

extension TensorFormat {
  /// The macro that makes `Common/weights.glsl` decode this format.
  var weightMacro: String { "WEIGHT_\(rawValue.uppercased())" }
}
