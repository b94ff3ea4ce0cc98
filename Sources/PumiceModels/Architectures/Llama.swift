import PumiceOperators

extension Architecture {
  /// Llama 1 to 3, Mistral, and all that share their layers (Touvron et al. 2023). GGUF files hold the query and key
  /// weights permuted so that adjacent elements form a pair.
  public static let llama = Architecture("llama", rotary: Rotary(.adjacent, factors: .one))

  /// Families of which each differs from Llama in a part or two.
  static let likeLlama = [
    Architecture("mistral3", rotary: Rotary(.adjacent, factors: .one)),
    // Baichuan 7B and Baichuan 2.
    Architecture("xverse", rotary: Rotary(.adjacent), scales: Scales(feedForwardProducts: false)),
    Architecture("internlm2", rotary: Rotary(.adjacent), scales: Scales(feedForwardProducts: false)),
    Architecture("exaone", rotary: Rotary(.halves, factors: .one), scales: Scales(feedForwardProducts: false)),
    Architecture(
      "smollm3", rotary: Rotary(.adjacent, layers: .allButEvery(4)), scales: Scales(feedForwardProducts: false)),
  ]
}
