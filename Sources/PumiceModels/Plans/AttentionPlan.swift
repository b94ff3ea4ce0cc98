public import PumiceTensors

/// How one model attends: the mask of each layer and head, and what its keys and values are stored in.
///
/// A plan belongs to a model, whose hash it carries. Its file is JSON:
///
/// ```json
/// {
///   "version": 1,
///   "model": "00112233445566778899aabbccddeeff",
///   "masks": "causal & (sinks(4) | window(256)); layers 0, 1: causal",
///   "cache": [
///     { "keys": "q8_0", "values": "q4_0" },
///     { "layers": [0, 1], "heads": [3], "keys": "f16" }
///   ]
/// }
/// ```
///
/// Both parts may be missing. Of rules the last that applies holds; heads of the cache are key-value heads.
public struct AttentionPlan: Hashable, Sendable {
  /// The version of the file's format that this program writes, and the only one that it reads.
  public static let version = 1

  /// What some layers and key-value heads store keys and values in; nil leaves what an earlier rule says.
  public struct CacheRule: Hashable, Sendable {
    /// Nil stands for all.
    public var layers: [Int]?
    /// Nil stands for all.
    public var heads: [Int]?
    public var keys: TensorFormat?
    public var values: TensorFormat?

    public init(
      layers: [Int]? = nil, heads: [Int]? = nil, keys: TensorFormat? = nil, values: TensorFormat? = nil
    ) {
      self.layers = layers
      self.heads = heads
      self.keys = keys
      self.values = values
    }

    fileprivate func applies(layer: Int, head: Int) -> Bool {
      layers?.contains(layer) != false && heads?.contains(head) != false
    }
  }

  /// The `ModelHash` of the model.
  public var model: String
  public var masks: MaskPlan
  public var cache: [CacheRule]

  public init(model: ModelHash, masks: MaskPlan = MaskPlan([]), cache: [CacheRule] = []) {
    self.init(model: model.description, masks: masks, cache: cache)
  }

  init(model: String, masks: MaskPlan, cache: [CacheRule]) {
    self.model = model
    self.masks = masks
    self.cache = cache
  }

  /// The format of the keys of a key-value head; nil where the plan says nothing.
  public func keyFormat(layer: Int, head: Int) -> TensorFormat? {
    cache.keyFormat(layer: layer, head: head)
  }

  /// The format of the values of a key-value head; nil where the plan says nothing.
  public func valueFormat(layer: Int, head: Int) -> TensorFormat? {
    cache.valueFormat(layer: layer, head: head)
  }

  /// Throws unless the plan was made for this model, and every layer, head and mask in it is possible.
  public func validate(
    for hash: ModelHash, _ configuration: ModelConfiguration
  ) throws(AttentionPlanError) {
    guard model == hash.description else { throw .otherModel(plan: model, model: hash.description) }
    do throws(AttentionMaskError) {
      try masks.validate(layers: configuration.layerCount, heads: configuration.headCount)
    } catch {
      throw .mask(error)
    }
    for rule in cache {
      for layer in rule.layers ?? [] where !(0..<configuration.layerCount).contains(layer) {
        throw .layer(layer, layers: configuration.layerCount)
      }
      for head in rule.heads ?? [] where !(0..<configuration.kvHeadCount).contains(head) {
        throw .head(head, heads: configuration.kvHeadCount)
      }
    }
  }
}

extension [AttentionPlan.CacheRule] {
  /// The format of the keys of a key-value head; nil where no rule says.
  func keyFormat(layer: Int, head: Int) -> TensorFormat? {
    last { $0.applies(layer: layer, head: head) && $0.keys != nil }?.keys
  }

  /// The format of the values of a key-value head; nil where no rule says.
  func valueFormat(layer: Int, head: Int) -> TensorFormat? {
    last { $0.applies(layer: layer, head: head) && $0.values != nil }?.values
  }
}

/// Why a plan cannot be used.
public enum AttentionPlanError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file cannot be read or written.
  case file(String, String)
  /// It is no plan: what is wrong, and where in the file.
  case malformed(String, String)
  case unknownVersion(String, Int)
  /// A text in the file is no mask.
  case syntax(String, MaskSyntaxError)
  /// The plan carries the hash of another model.
  case otherModel(plan: String, model: String)
  case mask(AttentionMaskError)
  /// A rule of the cache is about a layer or a key-value head that the model does not have.
  case layer(Int, layers: Int)
  case head(Int, heads: Int)

  public var description: String {
    switch self {
    case .file(let path, let reason): "\(path): \(reason)"
    case .malformed(let path, let reason): "\(path) is no attention plan: \(reason)"
    case .unknownVersion(let path, let version):
      "\(path) is an attention plan of version \(version); this program reads version \(AttentionPlan.version)"
    case .syntax(let path, let error): "\(path): masks, \(error)"
    case .otherModel(let plan, let model): "the plan was made for another model: for \(plan), and this one is \(model)"
    case .mask(let error): "the plan's masks: \(error)"
    case .layer(let layer, let layers): "the plan's cache: there is no layer \(layer); the model has \(layers)"
    case .head(let head, let heads):
      "the plan's cache: there is no key-value head \(head); the model has \(heads)"
    }
  }
}
