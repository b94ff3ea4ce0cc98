/// The files that a model in the safetensors format lies in: one, or those that an index lists.
///
/// An index is a JSON object whose `weight_map` gives the file of every tensor, by a name in the same folder. Source: the
/// sharded checkpoints of Hugging Face's transformers.
struct SafetensorsSource {
  private static let indexSuffix = ".index.json"
  private static let fileName = "model.safetensors"

  /// The index; nil for a single file.
  private let indexPath: String?
  private let files: [String]
  /// Which of the files each tensor is in.
  private let homes: [(tensor: String, file: Int)]

  /// - Throws: `notFound` for a folder with neither an index nor a single file, `invalidMetadata` for a broken index.
  init(path: String) throws(ModelFileError) {
    var path = path
    if FileBytes.isDirectory(path) {
      let file = "\(path)/\(Self.fileName)", index = file + Self.indexSuffix
      guard let found = [index, file].first(where: FileBytes.exists) else {
        throw ModelFileError(
          file: path, code: .notFound,
          detail: "the folder has neither \(Self.fileName)\(Self.indexSuffix) nor \(Self.fileName)")
      }
      path = found
    }
    guard path.hasSuffix(".json") else {
      (indexPath, files, homes) = (nil, [path], [])
      return
    }
    let bytes = try FileBytes(mapping: path)
    // The mapping ends with the last use of the object, not of its buffer.
    defer { withExtendedLifetime(bytes) {} }
    let value = try JSONParser.parse(bytes.buffer, of: path, as: "the index")
    guard case .object(let index) = value, case .object(let map)? = index["weight_map"], !map.members.isEmpty else {
      throw ModelFileError(
        file: path, code: .invalidMetadata, subject: "key weight_map", detail: "is no object that lists tensors")
    }
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    var files: [String] = [], numbers: [String: Int] = [:], homes: [(String, Int)] = []
    for (tensor, value) in map.members {
      guard case .string(let name) = value, Self.isPlain(name) else {
        throw ModelFileError(
          file: path, code: .invalidMetadata, subject: "tensor \(tensor)",
          detail: "its file is not the name of one in the same folder")
      }
      if numbers[name] == nil {
        numbers[name] = files.count
        files.append(folder + name)
      }
      homes.append((tensor, numbers[name]!))
    }
    (indexPath, self.files, self.homes) = (path, files, homes)
  }

  /// A name that leads nowhere else.
  private static func isPlain(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".." && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
  }

  func open() throws(ModelFileError) -> [(path: String, bytes: FileBytes)] {
    var parts: [(path: String, bytes: FileBytes)] = []
    for file in files { parts.append((file, try FileBytes(mapping: file))) }
    return parts
  }

  /// Checks that the files have what the index says, and nothing else.
  ///
  /// - Throws: `splitMismatch`.
  func check(_ parsers: [SafetensorsParser]) throws(ModelFileError) {
    guard let indexPath else { return }
    var missing = parsers.map { Set($0.tensors.map(\.name)) }
    for (tensor, file) in homes where missing[file].remove(tensor) == nil {
      throw ModelFileError(
        file: indexPath, code: .splitMismatch, subject: "tensor \(tensor)", detail: "is not in \(files[file])")
    }
    for (file, names) in zip(files, missing) {
      guard let name = names.min() else { continue }
      throw ModelFileError(
        file: indexPath, code: .splitMismatch, subject: "tensor \(name)",
        detail: "is in \(file), but the index does not say so")
    }
  }
}
