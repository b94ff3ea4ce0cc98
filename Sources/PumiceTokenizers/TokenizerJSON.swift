public import PumiceModelFiles

/// The tokenizer of a Hugging Face folder: `tokenizer.json` and `tokenizer_config.json`, from and to GGUF's metadata.
///
/// Source: the file format of the `tokenizers` library.
public enum TokenizerJSON {
  static let name = "tokenizer.json"
  static let configName = "tokenizer_config.json"

  /// The expressions by which words are cut before bytes are merged, by the name of the pre-tokenizer.
  static let expressions: [(name: String, expression: String)] = [
    ("llama-bpe", expression(numbers: #"\p{N}{1,3}"#)), ("qwen2", expression(numbers: #"\p{N}"#)),
  ]

  private static func expression(numbers: String) -> String {
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + numbers
      + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  }

  // MARK: From GGUF

  /// The files that describe the tokenizer of a GGUF file, by name.
  ///
  /// Of SentencePiece's vocabularies the merges are made as transformers makes them: every way to put a token together
  /// from two, the highest score first.
  /// - Throws: as `Tokenizers.load`.
  public static func files(of file: any GGUFSource) throws -> [String: String] {
    _ = try Tokenizers.load(from: file)
    let kind = try file.string(Keys.model)
    let isSentencePiece = kind == "llama"
    guard isSentencePiece || kind == "gpt2" else {
      throw TokenizerError(
        code: .unsupported, file: file.path, key: Keys.model,
        detail: "“\(kind)” is not written to tokenizer.json")
    }
    let vocabulary: Vocabulary
    let style: PreTokenizerStyle?
    if isSentencePiece {
      let tokenizer = try SentencePieceTokenizer(file)
      (vocabulary, style) = (tokenizer.vocabulary, nil)
    } else {
      let tokenizer = try ByteLevelTokenizer(file)
      (vocabulary, style) = (
        tokenizer.vocabulary, try PreTokenizerStyle(named: file.string(Keys.pre), file: file)
      )
    }
    let tokens = vocabulary.tokens
    let added = zip(tokens, vocabulary.types).enumerated().filter {
      [.control, .userDefined, .unknown].contains($0.element.1)
    }.map { id, token in
      "    {\"id\": \(id), \"content\": \(jsonString(token.0)), \"single_word\": false, \"lstrip\": false, "
        + "\"rstrip\": false, \"normalized\": false, \"special\": \(token.1 != .userDefined)}"
    }
    // Nameless tokens are never met; their places are filled up by readers.
    let entries = tokens.enumerated().filter { !$1.isEmpty }.map {
      "      \(jsonString($1)): \($0)"
    }
    let merges =
      try isSentencePiece
      ? sentencePieceMerges(vocabulary, scores: file.floatArray(Keys.scores))
      : file.stringArray(Keys.merges)
    let unknown = vocabulary.types.firstIndex(of: .unknown).map { jsonString(tokens[$0]) } ?? "null"
    let addsSpace = try file.optionalBool(Keys.addSpacePrefix) ?? true
    let members: [(String, String)] = [
      ("version", "\"1.0\""), ("truncation", "null"), ("padding", "null"),
      ("added_tokens", "[\n\(added.joined(separator: ",\n"))\n  ]"),
      ("normalizer", isSentencePiece ? sentencePieceNormalizer(addsSpace: addsSpace) : "null"),
      ("pre_tokenizer", style.map(preTokenizer) ?? "null"),
      ("post_processor", postProcessor(vocabulary, isByteLevel: !isSentencePiece)),
      (
        "decoder",
        isSentencePiece
          ? sentencePieceDecoder(addsSpace: addsSpace) : byteLevel(usesExpression: true)
      ),
      (
        "model",
        """
        {
            "type": "BPE", "dropout": null, "unk_token": \(isSentencePiece ? unknown : "null"),
            "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": \(isSentencePiece),
            "byte_fallback": \(isSentencePiece), "ignore_merges": \(style?.ignoresMerges ?? false),
            "vocab": {
        \(entries.joined(separator: ",\n"))
            },
            "merges": [
        \(merges.map { "      \(jsonString($0))" }.joined(separator: ",\n"))
            ]
          }
        """
      ),
    ]
    var config: [(String, String)] = [
      ("tokenizer_class", isSentencePiece ? "\"LlamaTokenizer\"" : "\"PreTrainedTokenizerFast\""),
      ("add_bos_token", "\(vocabulary.addsBOS)"), ("add_eos_token", "\(vocabulary.addsEOS)"),
    ]
    if let bos = vocabulary.bosToken { config.append(("bos_token", jsonString(tokens[Int(bos)]))) }
    if let eos = vocabulary.eosToken { config.append(("eos_token", jsonString(tokens[Int(eos)]))) }
    if let template = try file.optionalString(chatTemplate) {
      config.append(("chat_template", jsonString(template)))
    }
    return [name: text(members), configName: text(config)]
  }

  static let chatTemplate = "tokenizer.chat_template"

  private static func text(_ members: [(String, String)]) -> String {
    "{\n" + members.map { "  \(jsonString($0)): \($1)" }.joined(separator: ",\n") + "\n}\n"
  }

  private static func byteLevel(usesExpression: Bool) -> String {
    "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": \(usesExpression)}"
  }

  private static func preTokenizer(_ style: PreTokenizerStyle) -> String {
    switch style.preTokenizer {
    case .gpt2: return byteLevel(usesExpression: true)
    case .llama3(let digits):
      return splits([expression(numbers: digits == 1 ? #"\p{N}"# : "\\p{N}{1,\(digits)}")])
    case .patterns(let patterns): return splits(patterns.map(\.source))
    }
  }

  private static func splits(_ expressions: [String]) -> String {
    let splits = expressions.map {
      "{\"type\": \"Split\", \"pattern\": {\"Regex\": \(jsonString($0))}, \"behavior\": \"Isolated\", \"invert\": false}"
    }
    return "{\"type\": \"Sequence\", \"pretokenizers\": ["
      + (splits + [byteLevel(usesExpression: false)]).joined(separator: ", ") + "]}"
  }

  private static func sentencePieceNormalizer(addsSpace: Bool) -> String {
    let replace = "{\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, \"content\": \"▁\"}"
    return "{\"type\": \"Sequence\", \"normalizers\": ["
      + (addsSpace ? "{\"type\": \"Prepend\", \"prepend\": \"▁\"}, " : "") + "\(replace)]}"
  }

  private static func sentencePieceDecoder(addsSpace: Bool) -> String {
    "{\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Replace\", \"pattern\": {\"String\": \"▁\"}, \"content\": \" \"}, "
      + "{\"type\": \"ByteFallback\"}, {\"type\": \"Fuse\"}"
      + (addsSpace ? ", {\"type\": \"Strip\", \"content\": \" \", \"start\": 1, \"stop\": 0}" : "")
      + "]}"
  }

  /// What puts the tokens that begin and end a sequence around it.
  private static func postProcessor(_ vocabulary: Vocabulary, isByteLevel: Bool) -> String {
    func special(_ id: Int32) -> String { jsonString(vocabulary.tokens[Int(id)]) }
    let first = vocabulary.addsBOS ? vocabulary.bosToken : nil
    let last = vocabulary.addsEOS ? vocabulary.eosToken : nil
    let ids = [first, last].compactMap { $0 }
    guard !ids.isEmpty else { return isByteLevel ? byteLevel(usesExpression: true) : "null" }
    func around(_ sequence: String, _ type: Int) -> [String] {
      func item(_ id: Int32?) -> [String] {
        id.map { ["{\"SpecialToken\": {\"id\": \(special($0)), \"type_id\": \(type)}}"] } ?? []
      }
      return item(first) + ["{\"Sequence\": {\"id\": \"\(sequence)\", \"type_id\": \(type)}}"]
        + item(last)
    }
    let single = around("A", 0)
    let pair = single + around("B", 1)
    let used = Set(ids).sorted().map {
      "\(special($0)): {\"id\": \(special($0)), \"ids\": [\($0)], \"tokens\": [\(special($0))]}"
    }
    return "{\"type\": \"TemplateProcessing\", \"single\": [\(single.joined(separator: ", "))], "
      + "\"pair\": [\(pair.joined(separator: ", "))], \"special_tokens\": {\(used.joined(separator: ", "))}}"
  }

  private static func sentencePieceMerges(_ vocabulary: Vocabulary, scores: [Double]) -> [String] {
    func isMergeable(_ id: Int32) -> Bool {
      [.normal, .userDefined, .unused].contains(vocabulary.types[Int(id)])
    }
    func find(_ text: some Collection<UInt8>) -> Int32? {
      vocabulary.table.find(Array(text)).flatMap { isMergeable($0) ? $0 : nil }
    }
    var merges: [(text: String, score: Double)] = []
    for (id, token) in vocabulary.tokens.enumerated() where isMergeable(Int32(id)) {
      let bytes = Array(token.utf8)
      for cut in bytes.indices.dropFirst() where bytes[cut] & 0xC0 != 0x80 {
        guard find(bytes[..<cut]) != nil, find(bytes[cut...]) != nil else { continue }
        let halves = [bytes[..<cut], bytes[cut...]].map { String(decoding: $0, as: UTF8.self) }
        merges.append((halves.joined(separator: " "), scores[id]))
      }
    }
    // Stable, so that the order of tokens decides between equal scores.
    return merges.enumerated().sorted {
      ($1.element.score, $0.offset) < ($0.element.score, $1.offset)
    }.map(\.element.text)
  }
}
