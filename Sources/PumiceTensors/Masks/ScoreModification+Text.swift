/// The text form: `softCap(50.0)`, `alibi(0.5, 0.25)`, `user(name)`. `Codable` writes the cap, the slopes or the name.
extension ScoreModification: CustomStringConvertible, Codable {
  public var description: String {
    switch self {
    case .softCap(let cap): "softCap(\(cap))"
    case .alibi(let slopes): "alibi(\(slopes.map(\.description).joined(separator: ", ")))"
    case .user(let function): "user(\(function.name))"
    }
  }

  private enum Key: String, CodingKey { case softCap, alibi, user }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    if let cap = try values.decodeIfPresent(Float.self, forKey: .softCap) {
      self = .softCap(cap)
    } else if let slopes = try values.decodeIfPresent([Float].self, forKey: .alibi) {
      self = .alibi(slopes)
    } else {
      let name = try values.decode(String.self, forKey: .user)
      guard let function = ScoreFunction.registered(name) else {
        throw DecodingError.dataCorruptedError(
          forKey: .user, in: values, debugDescription: "no function is registered as \(name)")
      }
      self = .user(function)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    switch self {
    case .softCap(let cap): try values.encode(cap, forKey: .softCap)
    case .alibi(let slopes): try values.encode(slopes, forKey: .alibi)
    case .user(let function): try values.encode(function.name, forKey: .user)
    }
  }
}
