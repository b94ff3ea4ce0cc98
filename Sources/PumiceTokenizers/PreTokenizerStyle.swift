import PumiceModelFiles

/// What the name in `tokenizer.ggml.pre` stands for.
struct PreTokenizerStyle: Hashable {
  let preTokenizer: PreTokenizer
  /// Whether a word that is a token is not cut first, even when its merges would not lead to it.
  let ignoresMerges: Bool
  /// Whether a sequence begins with the BOS token when the file does not say.
  let addsBOS: Bool

  private init(_ preTokenizer: PreTokenizer, ignoresMerges: Bool = false, addsBOS: Bool = false) {
    self.preTokenizer = preTokenizer
    self.ignoresMerges = ignoresMerges
    self.addsBOS = addsBOS
  }

  /// - Throws: `unsupported` for a name that is not known.
  init(named name: String, file: any GGUFSource) throws(TokenizerError) {
    if let style = Self.patterned[name] {
      let sources = NamedPatterns.byName[style.patterns] ?? []
      var patterns: [Pattern] = []
      for source in sources {
        do { patterns.append(try Pattern(source)) } catch {
          throw TokenizerError(
            code: .unsupported, file: file.path, key: Keys.pre,
            detail: "the pre-tokenizer “\(name)”: \(error.detail)")
        }
      }
      self.init(.patterns(patterns), ignoresMerges: style.ignoresMerges, addsBOS: style.addsBOS)
      return
    }
    guard let style = Self.named[name] else {
      throw TokenizerError(
        code: .unsupported, file: file.path, key: Keys.pre,
        detail: "the pre-tokenizer “\(name)” is not supported")
    }
    self = style
  }

  private static let named: [String: PreTokenizerStyle] = {
    let gpt2 = [
      "gpt-2", "phi-2", "jina-es", "jina-de", "jina-v2-es", "jina-v2-de", "gigachat", "a.x-4.0",
      "mellum",
      "modern-bert",
      "exaone4", "mpt", "olmo", "jais", "trillion", "granite-docling",
    ]
    let llama3 = [
      "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2",
      "jina-v5-nano",
    ]
    let glm = ["glm4", "glm5"]
    let llama3WithMerges = ["dbrx", "smaug-bpe", "chatglm-bpe"]
    let qwen2 = [
      "qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "stablelm2", "hunyuan", "grok-2",
      "solar-open",
    ]

    var styles: [String: PreTokenizerStyle] = [:]
    for name in gpt2 { styles[name] = PreTokenizerStyle(.gpt2) }
    for name in llama3 {
      styles[name] = PreTokenizerStyle(
        .llama3(maximumDigits: 3), ignoresMerges: true, addsBOS: true)
    }
    for name in glm {
      styles[name] = PreTokenizerStyle(.llama3(maximumDigits: 3), ignoresMerges: true)
    }
    for name in llama3WithMerges { styles[name] = PreTokenizerStyle(.llama3(maximumDigits: 3)) }
    for name in qwen2 { styles[name] = PreTokenizerStyle(.llama3(maximumDigits: 1)) }
    return styles
  }()

  /// Names with the name of their expressions.
  private static let patterned: [String: (patterns: String, ignoresMerges: Bool, addsBOS: Bool)] = {
    var styles: [String: (patterns: String, ignoresMerges: Bool, addsBOS: Bool)] = [
      "tekken": ("tekken", true, true), "minicpm5": ("minicpm5", true, false),
      "chameleon": ("chameleon", false, true),
    ]
    let plain: [(patterns: String, names: [String])] = [
      (
        "digits",
        [
          "starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b",
          "mellum2",
        ]
      ),
      ("gpt-4o", ["gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"]),
      ("deepseek-v3", ["deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"]),
      ("bailingmoe", ["bailingmoe", "bailingmoe2", "llada-moe"]),
      ("bloom", ["bloom", "poro-chat", "gpt3-finnish"]),
      ("default", ["default"]), ("falcon", ["falcon"]), ("viking", ["viking"]),
      ("qwen35", ["qwen35"]),
      ("ufakzeka", ["ufakzeka"]), ("seed-coder", ["seed-coder"]), ("laguna", ["laguna"]),
      ("jais-2", ["jais-2"]),
      ("spark2_5", ["spark2_5"]), ("deepseek-coder", ["deepseek-coder"]),
      ("deepseek-llm", ["deepseek-llm"]),
    ]
    for (patterns, names) in plain { for name in names { styles[name] = (patterns, false, false) } }
    return styles
  }()
}
