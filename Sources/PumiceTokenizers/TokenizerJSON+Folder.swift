public import PumiceModelFiles

extension TokenizerJSON {
  /// What the files of a folder say about its tokenizer and about how text is made, as metadata: the text of
  /// `tokenizer.json`, which special tokens there are, the chat template, and defaults of sampling.
  ///
  /// - Parameters:
  ///   - bos, eos: what the model's configuration names.
  /// - Throws: `notFound` for a folder that has its tokenizer in another file only, and what is wrong with which key.
  public static func runningMetadata(
    folder: String, bos: Int?, eos: [Int]
  ) throws(ModelFileError) -> [(String, GGUFValue)] {
    func reader(_ name: String) throws(ModelFileError) -> ConfigurationReader? {
      let path = "\(folder)/\(name)"
      return ConfigurationReader.exists(path) ? try ConfigurationReader(path: path) : nil
    }
    let generation = try reader("generation_config.json")
    var metadata = try sampling(generation)
    guard let path = try file(in: folder) else { return metadata }
    metadata.append((Keys.huggingFace, .string(try ConfigurationReader.text(path: path))))
    let config = try reader(configName), map = try reader("special_tokens_map.json")
    var ends = eos
    for (name, key, id) in [("bos_token", Keys.bos, bos), ("eos_token", Keys.eos, eos.first)] {
      if let text = special(config, name) ?? special(map, name) {
        metadata.append((Keys.named(key), .string(text)))
      } else if let id, id >= 0 {
        metadata.append((key, .uint32(UInt32(clamping: id))))
      }
    }
    if let generation { ends += try tokens(generation, "eos_token_id") }
    if !ends.isEmpty { metadata.append((Keys.ends, .array(.int32(ends.map { Int32(clamping: $0) })))) }
    for (name, key) in [("add_bos_token", Keys.addBOS), ("add_eos_token", Keys.addEOS)] {
      if let adds = try config?.optionalBool(name) { metadata.append((key, .bool(adds))) }
    }
    if let text = try template(folder, config) { metadata.append((chatTemplate, .string(text))) }
    return metadata
  }

  /// The path of a folder's `tokenizer.json`; nil for a folder without a tokenizer.
  ///
  /// - Throws: `notFound` where there is one in another file.
  static func file(in folder: String) throws(ModelFileError) -> String? {
    let path = "\(folder)/\(name)"
    if ConfigurationReader.exists(path) { return path }
    let others = ["tokenizer.model", "vocab.json", configName].filter { ConfigurationReader.exists("\(folder)/\($0)") }
    guard let other = others.first else { return nil }
    throw ModelFileError(file: path, code: .notFound, detail: "is missing, and \(other) alone is not read")
  }

  /// A token that is named as text, or as an object with it.
  private static func special(_ config: ConfigurationReader?, _ key: String) -> String? {
    switch config?.value(key) {
    case .string(let text)?: return text
    case .object(let object)?: if case .string(let text)? = object["content"] { return text }
    default: break
    }
    return nil
  }

  private static func tokens(_ config: ConfigurationReader, _ key: String) throws(ModelFileError) -> [Int] {
    guard case .array(let values)? = config.value(key) else {
      return try config.optionalInteger(key).map { [$0] } ?? []
    }
    return values.compactMap { if case .integer(let id) = $0 { id } else { nil } }
  }

  /// The chat template: of a file of its own, or of the tokenizer's configuration, which may have several with names.
  ///
  /// - Throws: what is wrong with the file.
  static func template(_ folder: String, _ config: ConfigurationReader?) throws(ModelFileError) -> String? {
    let path = "\(folder)/chat_template.jinja", older = "\(folder)/chat_template.json"
    if ConfigurationReader.exists(path) { return try ConfigurationReader.text(path: path) }
    switch config?.value("chat_template") {
    case .string(let text)?: return text
    case .array(let values)?:
      var first: String?
      for case .object(let object) in values {
        guard case .string(let text)? = object["template"] else { continue }
        if object["name"] == .string("default") { return text }
        first = first ?? text
      }
      return first
    default: break
    }
    guard ConfigurationReader.exists(older) else { return nil }
    return try ConfigurationReader(path: older).optionalString("chat_template")
  }

  /// How the next token is chosen where users do not say it; nothing for a configuration that does not sample.
  private static func sampling(_ config: ConfigurationReader?) throws(ModelFileError) -> [(String, GGUFValue)] {
    guard let config, try config.optionalBool("do_sample") ?? true else { return [] }
    var metadata: [(String, GGUFValue)] = []
    for (name, key) in [
      ("temperature", "temp"), ("top_p", "top_p"), ("min_p", "min_p"), ("repetition_penalty", "penalty_repeat"),
    ] {
      if let value = try config.optionalNumber(name) {
        metadata.append(("general.sampling.\(key)", .float32(Float(value))))
      }
    }
    if let count = try config.optionalInteger("top_k") {
      metadata.append(("general.sampling.top_k", .int32(Int32(clamping: count))))
    }
    return metadata
  }
}
