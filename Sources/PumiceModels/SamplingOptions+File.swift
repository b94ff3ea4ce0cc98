public import PumiceModelFiles

extension SamplingOptions {
  /// What a model's file or folder says (`general.sampling.temp` and the like), and the usual where it is silent.
  ///
  /// - Throws: `ModelFileError` for a value of the wrong type.
  public init(_ file: any GGUFSource) throws(ModelFileError) {
    self.init()
    func number(_ key: String) throws(ModelFileError) -> Double? { try file.optionalFloat("general.sampling.\(key)") }
    temperature = try number("temp") ?? temperature
    topP = try number("top_p") ?? topP
    minP = try number("min_p") ?? minP
    repeatPenalty = try number("penalty_repeat") ?? repeatPenalty
    topK = try file.optionalInteger("general.sampling.top_k") ?? topK
  }
}
