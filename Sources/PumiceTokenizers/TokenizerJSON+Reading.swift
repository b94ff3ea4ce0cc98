public import PumiceModelFiles

extension TokenizerJSON {
  /// The tokenizer of a folder as GGUF's metadata; nothing for a folder without one.
  ///
  /// - Parameters:
  ///   - tokens: rows of the model's embedding; where the tokenizer has fewer, unused ones are added.
  ///   - bos, eos: what the model's configuration names.
  /// - Throws: `notFound` for a folder that has its tokenizer in another file only; `unsupportedModel` for a tokenizer that
  ///   is neither byte-level BPE, with the words of GPT-2, Llama 3 or Qwen 2, nor SentencePiece's BPE; what is wrong with
  ///   the file and with which key.
  public static func metadata(
    folder: String, tokens count: Int, bos: Int?, eos: [Int]
  ) throws(ModelFileError) -> [(String, GGUFValue)] {
    guard let path = try file(in: folder) else { return [] }
    let configPath = "\(folder)/\(configName)"
    let reader = try Reader(path, count: count)
    let config =
      ConfigurationReader.exists(configPath) ? try ConfigurationReader(path: configPath) : nil
    var metadata: [(String, GGUFValue)] = [
      (Keys.model, .string(reader.isSentencePiece ? "llama" : "gpt2")),
      (Keys.pre, .string(try reader.preTokenizer())),
      (Keys.tokens, .array(.string(reader.tokens))), (Keys.types, .array(.int32(reader.types))),
    ]
    if reader.isSentencePiece {
      metadata.append((Keys.scores, .array(.float32(reader.scores))))
      metadata.append((Keys.addSpacePrefix, .bool(try reader.addsSpacePrefix())))
    } else {
      metadata.append(
        (Keys.merges, .array(.string(reader.merges.map { $0.joined(separator: " ") }))))
    }
    let begin = try reader.token(config, "bos_token") ?? bos
    let end = try reader.token(config, "eos_token") ?? eos.first
    for (key, token) in [(Keys.bos, begin), (Keys.eos, end)] {
      guard let token else { continue }
      guard reader.tokens.indices.contains(token) else {
        throw ModelFileError(
          file: path, code: .invalidMetadata, subject: "key model.vocab",
          detail: "has no token \(token) for \(key)")
      }
      metadata.append((key, .uint32(UInt32(token))))
    }
    // Further ends are those of turns.
    if let turn = eos.first(where: { $0 != end }), reader.tokens.indices.contains(turn) {
      metadata.append((Keys.eot, .uint32(UInt32(turn))))
    }
    let template = try reader.template()
    let addsBOS = try config?.optionalBool("add_bos_token") ?? (template.first == true)
    let addsEOS = try config?.optionalBool("add_eos_token") ?? (template.last == true)
    metadata.append((Keys.addBOS, .bool(addsBOS && begin != nil)))
    metadata.append((Keys.addEOS, .bool(addsEOS && end != nil)))
    if let text = try Self.template(folder, config) { metadata.append((chatTemplate, .string(text))) }
    return metadata
  }
}

/// Reads one `tokenizer.json`.
private struct Reader {
  let root: ConfigurationReader
  let isSentencePiece: Bool
  /// Pairs.
  private(set) var merges: [[String]] = []
  private(set) var tokens: [String]
  private(set) var types: [Int32]

  init(_ path: String, count: Int) throws(ModelFileError) {
    root = try ConfigurationReader(path: path)
    guard let model = try root.optionalObject("model"),
      let vocabulary = try model.optionalObject("vocab")
    else {
      throw root.failure(.missingKey, "model.vocab", "the file does not have it")
    }
    let type = try model.optionalString("type") ?? "BPE"
    guard type == "BPE" else {
      throw root.failure(.unsupportedModel, "model.type", "“\(type)” is not read, only BPE")
    }
    isSentencePiece = try model.optionalBool("byte_fallback") ?? false
    var names: [Int: (String, TokenType)] = [:]
    for (token, value) in vocabulary.object.members {
      guard case .integer(let id) = value, 0..<1 << 24 ~= id else {
        throw vocabulary.failure(.invalidMetadata, printable(token), "is no token id")
      }
      let isByte =
        isSentencePiece && token.utf8.count == 6 && token.hasPrefix("<0x") && token.hasSuffix(">")
      guard names.updateValue((token, isByte ? .byte : .normal), forKey: id) == nil else {
        throw vocabulary.failure(
          .invalidMetadata, printable(token), "has the id \(id), which another token has too")
      }
    }
    let unknown = try model.optionalString("unk_token")
    for value in try root.optionalArray("added_tokens") ?? [] {
      guard case .object(let token) = value, case .string(let content)? = token["content"],
        case .integer(let id)? = token["id"], 0..<1 << 24 ~= id
      else {
        throw root.failure(.invalidMetadata, "added_tokens", "has an element without content or id")
      }
      let isSpecial = token["special"] == .bool(true)
      names[id] = (content, content == unknown ? .unknown : isSpecial ? .control : .userDefined)
    }
    if let unknown, isSentencePiece, let id = names.first(where: { $0.value.0 == unknown })?.key {
      names[id]!.1 = .unknown
    }
    let last = max(names.keys.max() ?? -1, count - 1)
    tokens = []
    types = []
    for id in 0..<max(last + 1, 0) {
      tokens.append(names[id]?.0 ?? "[PAD\(id)]")
      types.append(Int32((names[id]?.1 ?? .unused).rawValue))
    }
    for value in try model.optionalArray("merges") ?? [] {
      guard let pair = Self.pair(value) else {
        throw root.failure(.invalidMetadata, "model.merges", "has an element that is no pair")
      }
      merges.append(pair)
    }
  }

  /// The halves of a merge: an array of two, or a line with a space between them.
  private static func pair(_ value: JSONValue) -> [String]? {
    switch value {
    case .string(let line):
      // The first half is never empty, so it may be a space itself.
      guard let space = line.utf8.dropFirst().firstIndex(of: UInt8(ascii: " ")) else { return nil }
      return [String(line[..<space]), String(line[line.utf8.index(after: space)...])]
    case .array(let halves) where halves.count == 2:
      guard case .string(let left) = halves[0], case .string(let right) = halves[1] else {
        return nil
      }
      return [left, right]
    default: return nil
    }
  }

  /// SentencePiece prefers the pair whose token has the highest score; here earlier merges win.
  var scores: [Float] {
    // By bytes: strings that Unicode takes for equal may be two tokens.
    var ranks: [[UInt8]: Int] = [:]
    for (rank, merge) in merges.enumerated() {
      let token = merge.flatMap(\.utf8)
      if ranks[token] == nil { ranks[token] = rank }
    }
    return tokens.map { Float(-(ranks[Array($0.utf8)] ?? merges.count)) }
  }

  /// Everything of a kind in a member that may be a sequence.
  private func parts(_ key: String, sequence: String) throws(ModelFileError)
    -> [ConfigurationReader]
  {
    guard let part = try root.optionalObject(key) else { return [] }
    guard try part.optionalString("type") == "Sequence" else { return [part] }
    var parts: [ConfigurationReader] = []
    for case .object(let object) in try part.optionalArray(sequence) ?? [] {
      parts.append(part.element(sequence, object))
    }
    return parts
  }

  /// The name of the way in which words are cut.
  func preTokenizer() throws(ModelFileError) -> String {
    let parts = try parts("pre_tokenizer", sequence: "pretokenizers")
    if isSentencePiece {
      for part in parts where try part.optionalString("type") != "Metaspace" {
        throw part.failure(
          .unsupportedModel, "type", "is not read beside SentencePiece's BPE, only Metaspace")
      }
      return "default"
    }
    var expression: String?
    for part in parts {
      switch try part.optionalString("type") {
      case "ByteLevel":
        if try part.optionalBool("add_prefix_space") == true {
          throw part.failure(
            .unsupportedModel, "add_prefix_space", "a space before the text is not read")
        }
        if try part.optionalBool("use_regex") ?? true, expression == nil { return "gpt-2" }
      case "Split": expression = try part.optionalObject("pattern")?.optionalString("Regex")
      case let type: throw part.failure(.unsupportedModel, "type", "“\(type ?? "")” is not read")
      }
    }
    guard let found = TokenizerJSON.expressions.first(where: { $0.expression == expression }) else {
      throw root.failure(
        .unsupportedModel, "pre_tokenizer",
        "cuts words neither as GPT-2 nor as Llama 3 nor as Qwen 2")
    }
    return found.name
  }

  func addsSpacePrefix() throws(ModelFileError) -> Bool {
    for part in try parts("normalizer", sequence: "normalizers")
    where try part.optionalString("type") == "Prepend" {
      return true
    }
    for part in try parts("pre_tokenizer", sequence: "pretokenizers") {
      guard try part.optionalString("type") == "Metaspace" else { continue }
      if let scheme = try part.optionalString("prepend_scheme") { return scheme != "never" }
      return try part.optionalBool("add_prefix_space") ?? true
    }
    return false
  }

  /// Whether a sequence begins and ends with a special token.
  func template() throws(ModelFileError) -> (first: Bool?, last: Bool?) {
    for part in try parts("post_processor", sequence: "processors") {
      guard try part.optionalString("type") == "TemplateProcessing",
        let items = try part.optionalArray("single")
      else {
        continue
      }
      func isSpecial(_ item: JSONValue?) -> Bool {
        if case .object(let object)? = item { return object["SpecialToken"] != nil }
        return false
      }
      return (isSpecial(items.first), isSpecial(items.last))
    }
    return (nil, nil)
  }

  /// A token that `tokenizer_config.json` names, as text or as an object with it.
  func token(_ config: ConfigurationReader?, _ key: String) throws(ModelFileError) -> Int? {
    var name: String?
    switch config?.value(key) {
    case .string(let text)?: name = text
    case .object(let object)?: if case .string(let text)? = object["content"] { name = text }
    default: break
    }
    return name.flatMap { tokens.firstIndex(of: $0) }
  }
}
