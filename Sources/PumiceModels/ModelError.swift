public import PumiceModelFiles
public import PumiceTensors

/// Why a model cannot be run, where the file itself is in order.
public enum ModelError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The model, its cache and its working memory do not fit.
  case outOfMemory(model: String, needed: MemoryEstimate, available: Int, place: String)
  /// A prompt that leaves no room in the context.
  case promptTooLong(tokens: Int, room: Int)
  case emptyPrompt
  /// More tokens than the session has room for.
  case contextFull(context: Int)
  /// One of several texts has more tokens than there is room for.
  case textTooLong(text: Int, tokens: Int, room: Int)
  /// A longer context than the model was made for.
  case contextTooLong(asked: Int, model: Int)
  /// Every logit is NaN or −∞: a kernel or the file is broken.
  case noLogits
  /// The logits at a position of a chunk are no numbers, or make what came impossible.
  case brokenLogits(chunk: Int, position: Int)
  /// A text that does not fill one chunk.
  case textTooShort(tokens: Int, chunk: Int)
  case unknownToken(Int32, vocabulary: Int)
  case invalidOption(String)
  /// An encoder, of which text is wanted.
  case writesNoText(architecture: String)
  /// A mask that the model's layers, heads and positions do not allow.
  case mask(AttentionMaskError)
  /// Keys or values of a layer, or of a key-value head of it, that cannot be stored like this.
  case cacheFormat(CacheContent, TensorFormat, layer: Int, head: Int?, reason: String)

  /// What a cache holds.
  public enum CacheContent: String, Sendable { case keys, values }

  public var description: String {
    switch self {
    case .outOfMemory(let model, let needed, let available, let place):
      "\(model) needs \(readable(bytes: needed.total)) (\(needed)), \(place) has \(readable(bytes: available)): "
        + "\(readable(bytes: needed.total - available)) too little"
    case .promptTooLong(let tokens, let room):
      "the prompt has \(tokens) tokens, and the context has room for \(room); give a longer context (-c) or a shorter "
        + "prompt"
    case .emptyPrompt: "the prompt has no tokens, and the model has no token to begin with"
    case .textTooLong(let text, let tokens, let room):
      "text \(text) has \(tokens) tokens, and there is room for \(room)"
    case .contextFull(let context): "the context of \(context) tokens is full"
    case .contextTooLong(let asked, let model): "a context of \(asked) tokens is longer than the model's \(model)"
    case .noLogits:
      "no token is possible: every logit is NaN or −∞; the weights are broken, or a kernel is (see pumice verify)"
    case .brokenLogits(let chunk, let position):
      "the logits at position \(position) of chunk \(chunk) are not finite; the weights are broken, or a kernel is (see "
        + "pumice verify)"
    case .textTooShort(let tokens, let chunk):
      "the text has \(tokens) tokens, fewer than one chunk of \(chunk); give a longer text or shorter chunks (-c)"
    case .unknownToken(let token, let vocabulary): "token \(token) is outside the vocabulary (0 to \(vocabulary - 1))"
    case .invalidOption(let text): text
    case .writesNoText(let architecture):
      "a model of the architecture \(architecture) reads text and writes none; pumice embed makes vectors with it"
    case .mask(let error): "the attention mask: \(error)"
    case .cacheFormat(let content, let format, let layer, let head, let reason):
      "layer \(layer)\(head.map { ", key-value head \($0)," } ?? "") cannot cache \(content.rawValue) in \(format.name) (\(content == .keys ? "-ctk" : "-ctv")): \(reason)"
    }
  }
}

extension ModelFileError.Code {
  /// `general.architecture` names something that is not known.
  public static let unknownArchitecture = ModelFileError.Code(rawValue: "unknownArchitecture")
}

/// `1536` as `1.5 KiB`.
func readable(bytes: Int) -> String {
  let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
  var value = Double(bytes)
  var unit = 0
  while abs(value) >= 1024, unit < units.count - 1 {
    value /= 1024
    unit += 1
  }
  if unit == 0 { return "\(bytes) bytes" }
  let tenths = Int((value * 10).rounded())
  return "\(tenths / 10).\(abs(tenths % 10)) \(units[unit])"
}
