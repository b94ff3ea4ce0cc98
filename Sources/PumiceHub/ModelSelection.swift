/// Which files of a repository make the model that was asked for.
struct ModelSelection: Equatable {
  /// The files to fetch.
  var files: [String]
  /// The file that is opened: a GGUF file, or the first part of one; nil for a folder.
  var main: String?

  /// What is taken of several GGUF files if nothing is asked for, best first.
  static let preferred = ["Q4_K_M", "Q4_K_S", "Q4_0", "Q5_K_M", "Q8_0"]
  /// Endings of the files of a folder that are of use; weights in other formats are not.
  private static let folderEndings = [".safetensors", ".json", ".model", ".txt", ".jinja"]

  /// - Parameter files: all files of the repository.
  /// - Throws: `HubError.Code.noSuchModel`, which lists what there is.
  init(_ reference: HubReference, files: [String]) throws(HubError) {
    let models = files.filter { Self.isModel($0) }
    if let choice = reference.choice, files.contains(choice) {
      self.init(model: choice, files)
      return
    }
    guard !models.isEmpty else {
      let weights = files.filter { $0.hasSuffix(".safetensors") }
      guard files.contains("config.json"), !weights.isEmpty else {
        throw HubError(
          .noSuchModel, reference.description, "the repository has neither GGUF files nor safetensors with config.json")
      }
      if let choice = reference.choice {
        throw HubError(.noSuchModel, reference.description, "there is no \(choice): the repository has no GGUF files")
      }
      self.init(
        files: files.filter { file in
          Self.isModule(file) || !file.contains("/") && Self.folderEndings.contains { file.hasSuffix($0) }
        })
      return
    }
    let firsts = models.filter { part($0).map { $0.index == 1 } ?? true }
    func named(_ quantization: String) -> [String] {
      firsts.filter { Self.quantizations($0).contains(quantization.uppercased()) }
    }
    let list = "GGUF files: " + firsts.joined(separator: ", ")
    if let choice = reference.choice {
      let found = named(choice)
      guard found.count == 1 else {
        throw HubError(
          .noSuchModel, reference.description,
          found.isEmpty
            ? "there is no \(choice); \(list)" : "several are \(choice), name one: " + found.joined(separator: ", "))
      }
      self.init(model: found[0], files)
      return
    }
    if firsts.count == 1 {
      self.init(model: firsts[0], files)
      return
    }
    for quantization in Self.preferred {
      let found = named(quantization)
      if found.count == 1 {
        self.init(model: found[0], files)
        return
      }
    }
    throw HubError(.noSuchModel, reference.description, "name one of its \(list)")
  }

  /// A folder.
  private init(files: [String]) {
    main = nil
    self.files = files
  }

  /// - Parameter files: all files of the repository.
  private init(model: String, _ files: [String]) {
    main = model
    guard let own = part(model) else {
      self.files = [model]
      return
    }
    self.files = files.filter { part($0).map { $0.stem == own.stem && $0.count == own.count } ?? false }
  }

  /// Whether all parts of a split model are among the files.
  var isWhole: Bool { main.flatMap { part($0) }.map { $0.count == files.count } ?? true }

  /// Whether a file configures what comes after the model, as sentence-transformers names such: `1_Pooling/config.json`.
  private static func isModule(_ path: String) -> Bool {
    let pieces = path.split(separator: "/", omittingEmptySubsequences: false)
    guard pieces.count == 2, pieces[1] == "config.json" else { return false }
    return !pieces[0].prefix { $0.isASCII && $0.isNumber }.isEmpty
      && pieces[0].drop { $0.isASCII && $0.isNumber }.first == "_"
  }

  /// Vision projectors and importance files are GGUF too, but nothing to run.
  private static func isModel(_ path: String) -> Bool {
    let name = path.split(separator: "/").last.map { $0.lowercased() } ?? ""
    return name.hasSuffix(".gguf") && !name.contains("mmproj") && !name.contains("imatrix")
  }

  /// The parts of a file's or folder's name that may say a quantization, in upper case: `MODEL-Q4_K_M.gguf`, `model.q4_0.gguf`,
  /// `UD-IQ2_XXS/model-00001-of-00002.gguf`.
  private static func quantizations(_ path: String) -> Set<String> {
    var names: Set<String> = []
    for piece in path.uppercased().split(separator: "/") {
      let stem = piece.hasSuffix(".GGUF") ? piece.dropLast(5) : piece
      names.formUnion(stem.split { $0 == "-" || $0 == "." }.map(String.init))
      names.insert(String(stem))
    }
    return names
  }
}

/// What the name of a part of a split model says: `STEM-00001-of-00003.gguf`.
private func part(_ path: String) -> (stem: Substring, index: Int, count: Int)? {
  guard path.hasSuffix(".gguf") else { return nil }
  let pieces = path.dropLast(5).split(separator: "-", omittingEmptySubsequences: false)
  guard pieces.count >= 4, pieces[pieces.count - 2] == "of", let count = Int(pieces[pieces.count - 1]),
    let index = Int(pieces[pieces.count - 3]), pieces[pieces.count - 1].count == 5, pieces[pieces.count - 3].count == 5
  else { return nil }
  let length = pieces.suffix(3).reduce(3) { $0 + $1.count }
  return (path.dropLast(5).dropLast(length), index, count)
}
