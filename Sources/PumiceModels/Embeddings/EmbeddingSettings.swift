public import PumiceModelFiles
public import PumiceTokenizers

/// What a model says about how its texts become vectors.
public struct EmbeddingSettings: Hashable, Sendable {
  public var pooling: StatedPooling
  /// Whether vectors are made as long as 1.
  public var normalizes = true
  /// Tokens of a text at most; the rest is cut off.
  public var longestText: Int

  /// What a model says, be it a file or a folder.
  ///
  /// - Throws: as below.
  public init(_ configuration: ModelConfiguration, of source: any GGUFSource) throws {
    if source is FolderAsGGUF {
      try self.init(configuration, folder: source.path)
    } else {
      self.init(configuration)
    }
  }

  /// What a file says. Where it does not name a pooling: the mean in encoders, else the last token.
  public init(_ configuration: ModelConfiguration) {
    pooling = configuration.pooling ?? .method(configuration.architecture.encoder == nil ? .last : .mean)
    longestText = configuration.contextLength
  }

  /// What a folder says in the files of sentence-transformers, where it has them: `modules.json`, the configuration of the
  /// pooling in a folder of its own, and `sentence_bert_config.json`.
  ///
  /// - Throws: what is wrong with which file, and `unsupportedModel` for modules that there are not here.
  public init(_ configuration: ModelConfiguration, folder: String) throws {
    self.init(configuration)
    if ConfigurationReader.exists("\(folder)/modules.json") { try readModules(of: folder) }
    let path = "\(folder)/sentence_bert_config.json"
    guard ConfigurationReader.exists(path) else { return }
    let config = try ConfigurationReader(path: path)
    if let length = try config.optionalInteger("max_seq_length") {
      guard length >= 1 else { throw config.failure(.invalidMetadata, "max_seq_length", "\(length) is no length") }
      longestText = min(longestText, length)
    }
    if try config.optionalBool("do_lower_case") == true {
      throw config.failure(.unsupportedModel, "do_lower_case", "true is not supported")
    }
  }

  private mutating func readModules(of folder: String) throws {
    let path = "\(folder)/modules.json"
    func failure(_ code: ModelFileError.Code, _ detail: String) -> ModelFileError {
      ModelFileError(file: path, code: code, detail: detail)
    }
    guard case .array(let modules) = try JSONValue(reading: path) else {
      throw failure(.invalidMetadata, "the file is not a JSON array")
    }
    normalizes = false
    for module in modules {
      guard case .object(let module) = module, case .string(let type)? = module["type"],
        case .string(let place)? = module["path"]
      else { throw failure(.invalidMetadata, "a module is no object with type and path") }
      switch type.split(separator: ".").last {
      case "Transformer":
        guard place.isEmpty else { throw failure(.unsupportedModel, "the model in “\(place)” is not read") }
      case "Pooling":
        guard !place.isEmpty, !place.split(separator: "/").contains("..") else {
          throw failure(.invalidMetadata, "“\(place)” is no folder of a module")
        }
        pooling = .method(try Self.pooling(ConfigurationReader(path: "\(folder)/\(place)/config.json")))
      case "Normalize": normalizes = true
      default: throw failure(.unsupportedModel, "the module “\(type)” is not supported")
      }
    }
  }

  private static func pooling(_ config: ConfigurationReader) throws(ModelFileError) -> TextPooling {
    let known: [(mode: String, flag: String, pooling: TextPooling)] = [
      ("mean", "pooling_mode_mean_tokens", .mean), ("cls", "pooling_mode_cls_token", .cls),
      ("lasttoken", "pooling_mode_lasttoken", .last),
    ]
    if let mode = try config.optionalString("pooling_mode") {
      guard let found = known.first(where: { $0.mode == mode }) else {
        throw config.failure(
          .unsupportedModel, "pooling_mode", "“\(mode)” is not supported, only mean, cls and lasttoken")
      }
      return found.pooling
    }
    var chosen: [TextPooling] = []
    for member in config.object.members where member.name.hasPrefix("pooling_mode_") && member.value == .bool(true) {
      guard let found = known.first(where: { $0.flag == member.name }) else {
        throw config.failure(
          .unsupportedModel, member.name, "is not supported, only the mean, the first and the last token")
      }
      chosen.append(found.pooling)
    }
    guard chosen.count == 1 else {
      throw config.failure(
        .unsupportedModel, "pooling_mode_mean_tokens", "one kind of pooling must be true, and not several")
    }
    return chosen[0]
  }
}

extension Tokenizer {
  /// The tokens of a text to be embedded, with those that begin and end it. Names of special tokens count as those tokens.
  ///
  /// - Parameter limit: of a text with more tokens those in front of the end are cut off.
  /// - Returns: the tokens, and how many there would be.
  /// - Throws: `textTooLong`.
  public func encodeWhole(
    _ text: String, limit: Int
  ) throws(TokenizerError) -> (tokens: [Int32], uncut: Int) {
    let tokens = try encode(text, addSpecial: true, parseSpecial: true)
    guard tokens.count > limit else { return (tokens, tokens.count) }
    let end = addsEOS && eosToken != nil ? tokens.suffix(min(1, limit)) : []
    return (Array(tokens.prefix(limit - end.count)) + end, tokens.count)
  }
}
