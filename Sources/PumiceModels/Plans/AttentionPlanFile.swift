import Foundation
import PumiceTensors

extension AttentionPlan {
  /// Reads a plan.
  ///
  /// - Throws: `file`, `malformed`, `unknownVersion` or `syntax`. Whether it suits a model is for `validate` to say.
  public init(path: String) throws(AttentionPlanError) {
    let data: Data
    do { data = try Data(contentsOf: URL(fileURLWithPath: path)) } catch {
      throw .file(path, error.localizedDescription)
    }
    // The version comes first: another may have other keys.
    let version = try Self.decode(Version.self, data, path).version
    guard version == Self.version else { throw .unknownVersion(path, version) }
    let contents = try Self.decode(Contents.self, data, path)
    var masks = MaskPlan([])
    if let text = contents.masks {
      do throws(MaskSyntaxError) { masks = try MaskPlan(parsing: text) } catch { throw .syntax(path, error) }
    }
    let cache = (contents.cache ?? []).map {
      CacheRule(layers: $0.layers, heads: $0.heads, keys: $0.keys, values: $0.values)
    }
    self.init(model: contents.model, masks: masks, cache: cache)
  }

  /// Writes the plan so that `init(path:)` reads the same.
  public func write(to path: String) throws(AttentionPlanError) {
    let contents = Contents(
      version: Self.version, model: model, masks: masks.rules.isEmpty ? nil : masks.description,
      cache: cache.isEmpty
        ? nil : cache.map { Rule(layers: $0.layers, heads: $0.heads, keys: $0.keys, values: $0.values) })
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
      try encoder.encode(contents).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw .file(path, error.localizedDescription)
    }
  }

  private static func decode<T: Decodable>(
    _ type: T.Type, _ data: Data, _ path: String
  ) throws(AttentionPlanError) -> T {
    do { return try JSONDecoder().decode(type, from: data) } catch {
      throw .malformed(path, reason(error))
    }
  }

  /// What the decoder found wrong, with the path of the key.
  private static func reason(_ error: any Error) -> String {
    func place(_ context: DecodingError.Context) -> String {
      let keys = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
      return keys.isEmpty ? "" : "\(keys.joined(separator: ".")): "
    }
    return switch error {
    case DecodingError.keyNotFound(let key, let context): "\(place(context))“\(key.stringValue)” is missing"
    case DecodingError.dataCorrupted(let context), DecodingError.typeMismatch(_, let context),
      DecodingError.valueNotFound(_, let context):
      "\(place(context))\(context.debugDescription)"
    default: error.localizedDescription
    }
  }
}

/// The part of the file that tells how to read the rest.
private struct Version: Decodable {
  var version: Int
}

private struct Contents: Codable {
  var version: Int
  var model: String
  var masks: String?
  var cache: [Rule]?
}

private struct Rule: Codable {
  var layers: [Int]?
  var heads: [Int]?
  var keys: TensorFormat?
  var values: TensorFormat?
}
