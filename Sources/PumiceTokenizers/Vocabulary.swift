import PumiceModelFiles

/// What a token is for. The numbers are those of `tokenizer.ggml.token_type`.
enum TokenType: Int {
  case normal = 1
  case unknown = 2
  case control = 3
  case userDefined = 4
  case unused = 5
  case byte = 6
}

/// The part of a tokenizer that all kinds share: tokens, their types, and which of them are special.
struct Vocabulary: Sendable {
  let tokens: [String]
  let types: [TokenType]
  let table: ByteStringTable
  let matcher: SpecialTokenMatcher
  let bosToken: Int32?
  let eosToken: Int32?
  let endOfGenerationTokens: Set<Int32>
  let addsBOS: Bool
  let addsEOS: Bool

  /// What a kind of tokenizer assumes where a file is silent.
  struct Defaults {
    var bosToken: Int32?
    var eosToken: Int32?
    var addsBOS = false
  }

  /// - Throws: a `ModelFileError` or `TokenizerError` that names the key.
  init(_ file: any GGUFSource, defaults: Defaults = .init()) throws {
    tokens = try file.stringArray(Keys.tokens)
    guard !tokens.isEmpty, tokens.count <= Int32.max else {
      throw file.invalid(Keys.tokens, "there are \(tokens.count) tokens")
    }
    table = ByteStringTable(tokens)
    if let (earlier, later) = table.duplicate {
      throw file.invalid(
        Keys.tokens, "tokens \(earlier) and \(later) are both “\(tokens[Int(later)])”")
    }
    let wellKnown = EndOfGeneration.wellKnown(in: table)
    types = try Self.types(file, count: tokens.count, control: wellKnown)
    matcher = SpecialTokenMatcher(
      zip(tokens, types).enumerated()
        .filter { [.control, .userDefined, .unknown].contains($0.element.1) }
        .map { ($0.element.0, Int32($0.offset)) })

    let ids = 0...tokens.count - 1
    func token(_ key: String, default: Int32? = nil) throws -> Int32? {
      try file.optionalInteger(key, in: ids).map(Int32.init)
        ?? `default`.flatMap { ids ~= Int($0) ? $0 : nil }
    }
    bosToken = try token(Keys.bos, default: defaults.bosToken)
    eosToken = try token(Keys.eos, default: defaults.eosToken)
    let ends =
      [eosToken, try token(Keys.eot), try token(Keys.eom)].compactMap { $0 }
      + (try file.optionalIntegerArray(Keys.ends) ?? []).filter { ids.contains($0) }.map { Int32($0) }
    endOfGenerationTokens = EndOfGeneration.tokens(wellKnown.union(ends), in: table)

    let wantsBOS = try file.optionalBool(Keys.addBOS)
    addsBOS = wantsBOS ?? (defaults.addsBOS && bosToken != nil)
    addsEOS = try file.optionalBool(Keys.addEOS) ?? false
    if addsBOS && bosToken == nil {
      throw file.invalid(Keys.addBOS, "is true, but \(Keys.bos) is absent")
    }
    if addsEOS && eosToken == nil {
      throw file.invalid(Keys.addEOS, "is true, but \(Keys.eos) is absent")
    }
  }

  private static func types(_ file: any GGUFSource, count: Int, control: Set<Int32>) throws -> [TokenType] {
    var types = [TokenType](repeating: .normal, count: count)
    if let numbers = try file.optionalIntegerArray(Keys.types) {
      guard numbers.count == count else {
        throw file.invalid(
          Keys.types, "has \(numbers.count) elements, but \(Keys.tokens) has \(count)")
      }
      for (index, number) in numbers.enumerated() {
        guard let type = TokenType(rawValue: number) else {
          throw file.invalid(Keys.types, "element \(index) is \(number), which is no token type")
        }
        types[index] = type
      }
    }
    // Some converters leave these normal; they would then be shown, and could be written by users.
    for id in control { types[Int(id)] = .control }
    return types
  }

  /// The type of a token, or nil when there is no such token.
  func type(of id: Int32) -> TokenType? { types.indices.contains(Int(id)) ? types[Int(id)] : nil }
}

/// The metadata keys of tokenizers.
enum Keys {
  static let model = "tokenizer.ggml.model"
  static let pre = "tokenizer.ggml.pre"
  static let tokens = "tokenizer.ggml.tokens"
  static let types = "tokenizer.ggml.token_type"
  static let scores = "tokenizer.ggml.scores"
  static let merges = "tokenizer.ggml.merges"
  static let bos = "tokenizer.ggml.bos_token_id"
  static let eos = "tokenizer.ggml.eos_token_id"
  static let eot = "tokenizer.ggml.eot_token_id"
  static let eom = "tokenizer.ggml.eom_token_id"
  static let cls = "tokenizer.ggml.cls_token_id"
  static let separator = "tokenizer.ggml.seperator_token_id"
  static let unknown = "tokenizer.ggml.unknown_token_id"
  static let addSeparator = "tokenizer.ggml.add_sep_token"
  /// All that end a generation, beside those above; Pumice's own key.
  static let ends = "tokenizer.ggml.eog_token_ids"
  /// The key of a special token's name, where there is one of its id.
  static func named(_ key: String) -> String { key.replacing("_id", with: "") }
  /// The text of a whole `tokenizer.json`.
  static let huggingFace = "tokenizer.huggingface.json"
  static let charsMap = "tokenizer.ggml.precompiled_charsmap"
  static let removeExtraSpaces = "tokenizer.ggml.remove_extra_whitespaces"
  static let lowercases = "tokenizer.ggml.normalizer.lowercase"
  static let addBOS = "tokenizer.ggml.add_bos_token"
  static let addEOS = "tokenizer.ggml.add_eos_token"
  static let addSpacePrefix = "tokenizer.ggml.add_space_prefix"
}

extension GGUFSource {
  func invalid(_ key: String, _ detail: String) -> TokenizerError {
    TokenizerError(code: .invalidVocabulary, file: path, key: key, detail: detail)
  }
}
