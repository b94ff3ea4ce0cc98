/// The keys and values of a file, in its order, with fast lookup by key.
public struct GGUFMetadata: RandomAccessCollection, Sendable {
  public typealias Element = (key: String, value: GGUFValue)

  private var entries: [Element] = []
  private var positions: [String: Int] = [:]

  public init() {}

  /// The pairs in order; of a key that occurs twice the last value counts.
  public init(_ pairs: [(String, GGUFValue)]) {
    for (key, value) in pairs { self[key] = value }
  }

  public var startIndex: Int { 0 }
  public var endIndex: Int { entries.count }
  public subscript(position: Int) -> Element { entries[position] }

  /// The value of a key. A new key goes to the end; nil removes the key (in linear time).
  public subscript(key: String) -> GGUFValue? {
    get { positions[key].map { entries[$0].value } }
    set {
      switch (positions[key], newValue) {
      case (let position?, let value?):
        entries[position].value = value
      case (nil, let value?):
        positions[key] = entries.count
        entries.append((key, value))
      case (let position?, nil):
        entries.remove(at: position)
        positions = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.key, $0) })
      case (nil, nil): break
      }
    }
  }
}
