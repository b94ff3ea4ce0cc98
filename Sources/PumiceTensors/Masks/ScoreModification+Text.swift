import Synchronization

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

extension ScoreFunction {
  private static let functions = Mutex<[String: ScoreFunction]>([:])

  /// Makes the function known by its name, so that what was encoded with it can be decoded.
  ///
  /// - Throws: `AttentionMaskError.function` if the name cannot be written, there is no expression, or another function has
  ///   that name.
  public static func register(_ function: ScoreFunction) throws(AttentionMaskError) {
    try validateFunction(name: function.name, glsl: function.glsl)
    let known = functions.withLock { functions in
      let known = functions[function.name]
      if known == nil { functions[function.name] = function }
      return known
    }
    if let known, known != function {
      throw .function(name: function.name, reason: "is registered with another expression: \(known.glsl)")
    }
  }

  /// The function that was registered by that name.
  public static func registered(_ name: String) -> ScoreFunction? { functions.withLock { $0[name] } }
}
