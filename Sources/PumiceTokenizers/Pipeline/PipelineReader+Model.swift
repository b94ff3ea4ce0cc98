import PumiceModelFiles

extension PipelineReader {
  /// What cuts words into tokens, the texts of all tokens by id, and the unknown one.
  func model(
    _ added: [AddedToken]
  ) throws(ModelFileError) -> (model: any SubwordModel, tokens: [String], unknown: Int32?) {
    guard let part = try root.optionalObject("model") else {
      throw root.failure(.missingKey, "model", "the file does not have it")
    }
    let stated = try part.optionalString("type")
    let type = stated ?? (part.value("merges") != nil ? "BPE" : "WordPiece")
    guard ["BPE", "Unigram", "WordPiece", "WordLevel"].contains(type) else {
      throw part.failure(.unsupportedModel, "type", "“\(type)” is not read")
    }
    var tokens: [String], scores: [Double] = []
    if type == "Unigram" { (tokens, scores) = try scored(part) } else { tokens = try named(part) }
    let own = tokens
    for token in added {
      while tokens.count <= Int(token.id) { tokens.append("") }
      tokens[Int(token.id)] = token.content
    }
    switch type {
    case "BPE":
      let model = try bytePairs(part, own)
      return (model, tokens, model.unknown)
    case "Unigram":
      let unknown = try part.optionalInteger("unk_id")
      guard unknown.map(own.indices.contains) ?? true else {
        throw part.failure(.invalidMetadata, "unk_id", "there is no token \(unknown!)")
      }
      let id = unknown.map { Int32($0) }
      let falls = try part.optionalBool("byte_fallback") ?? false
      return (UnigramModel(own, scores: scores, unknown: id, fallsBackToBytes: falls), tokens, id)
    case "WordPiece":
      let table = ByteStringTable(own), name = try part.optionalString("unk_token") ?? "[UNK]"
      guard let unknown = table.find(Array(name.utf8)) else {
        throw part.failure(.invalidMetadata, "unk_token", "there is no token “\(printable(name))”")
      }
      let prefix = try part.optionalString("continuing_subword_prefix") ?? "##"
      let model = WordPieceModel(
        table: table, unknown: unknown, prefix: Array(prefix.utf8),
        longest: try part.optionalInteger("max_input_chars_per_word") ?? 100)
      return (model, tokens, unknown)
    default:
      let table = ByteStringTable(own)
      let unknown = try part.optionalString("unk_token").flatMap { table.find(Array($0.utf8)) }
      return (WordLevelModel(table: table, unknown: unknown), tokens, unknown)
    }
  }

  /// The texts of a vocabulary of names and ids, by id.
  private func named(_ model: ConfigurationReader) throws(ModelFileError) -> [String] {
    guard let vocabulary = try model.optionalObject("vocab") else {
      throw model.failure(.missingKey, "vocab", "the file does not have it")
    }
    let members = vocabulary.object.members
    var tokens: [String] = []
    tokens.reserveCapacity(members.count)
    for (token, value) in members {
      guard case .integer(let id) = value, 0..<1 << 24 ~= id else {
        throw vocabulary.failure(.invalidMetadata, printable(token), "is no token id")
      }
      while tokens.count <= id { tokens.append("") }
      guard tokens[id].isEmpty else {
        throw vocabulary.failure(.invalidMetadata, printable(token), "has the id \(id), which another token has too")
      }
      tokens[id] = token
    }
    return tokens
  }

  /// The texts and scores of a vocabulary of pairs.
  private func scored(_ model: ConfigurationReader) throws(ModelFileError) -> ([String], [Double]) {
    var tokens: [String] = [], scores: [Double] = []
    for value in try model.optionalArray("vocab") ?? [] {
      guard case .array(let pair) = value, pair.count == 2, case .string(let token) = pair[0] else {
        throw model.failure(.invalidMetadata, "vocab", "has an element that is no pair of a token and a score")
      }
      tokens.append(token)
      switch pair[1] {
      case .number(let score) where score.isFinite: scores.append(score)
      case .integer(let score): scores.append(Double(score))
      default: throw model.failure(.invalidMetadata, "vocab", "“\(printable(token))” has no score")
      }
    }
    return (tokens, scores)
  }

  private func bytePairs(_ model: ConfigurationReader, _ tokens: [String]) throws(ModelFileError) -> BPEModel {
    let table = TokenTable(tokens)
    if let dropout = try model.optionalNumber("dropout"), dropout != 0 {
      throw model.failure(.unsupportedModel, "dropout", "merges that are left out at random are not read")
    }
    let prefix = Array((try model.optionalString("continuing_subword_prefix") ?? "").utf8)
    var merges: [UInt64: MergeCandidate] = [:]
    let list = try model.optionalArray("merges") ?? []
    merges.reserveCapacity(list.count)
    for (rank, value) in list.enumerated() {
      guard let (left, right) = TokenizerJSON.pair(value) else {
        throw model.failure(.invalidMetadata, "merges", "has an element that is no pair, number \(rank)")
      }
      let whole = left + (right.starts(with: prefix) ? right.dropFirst(prefix.count) : right[...])
      guard let first = table.table.find(left), let second = table.table.find(right), let id = table.table.find(whole)
      else {
        let text = String(decoding: left, as: UTF8.self) + " " + String(decoding: right, as: UTF8.self)
        throw model.failure(
          .invalidMetadata, "merges", "“\(printable(text))” needs a token that is not there")
      }
      merges[BPEModel.key(first, second)] = MergeCandidate(priority: UInt32(clamping: rank), id: id)
    }
    let name = try model.optionalString("unk_token")
    return BPEModel(
      tokens: table, merges: merges, unknown: name.flatMap { table.table.find(Array($0.utf8)) },
      fusesUnknown: try model.optionalBool("fuse_unk") ?? false,
      fallsBackToBytes: try model.optionalBool("byte_fallback") ?? false,
      ignoresMerges: try model.optionalBool("ignore_merges") ?? false, prefix: prefix,
      suffix: Array((try model.optionalString("end_of_word_suffix") ?? "").utf8))
  }
}

extension TokenizerJSON {
  /// The halves of a merge: an array of two, or a line with a space between them.
  static func pair(_ value: JSONValue) -> (left: [UInt8], right: [UInt8])? {
    switch value {
    case .string(let line):
      // The first half is never empty, so it may be a space itself.
      let bytes = Array(line.utf8)
      guard let space = bytes.dropFirst().firstIndex(of: UInt8(ascii: " ")) else { return nil }
      return (Array(bytes[..<space]), Array(bytes[(space + 1)...]))
    case .array(let halves) where halves.count == 2:
      guard case .string(let left) = halves[0], case .string(let right) = halves[1] else { return nil }
      return (Array(left.utf8), Array(right.utf8))
    default: return nil
    }
  }
}
