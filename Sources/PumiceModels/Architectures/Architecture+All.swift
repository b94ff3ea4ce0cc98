extension Architecture {
  /// Every architecture that can be run.
  public static let all: [Architecture] = families.flatMap { $0 }

  private static let families: [[Architecture]] = [
    [llama], likeLlama, qwen, gemma, phi, granite, olmo, cohere, withLayerNorm, withoutRotary, withExperts, recurrent,
    latentAttention, encoders,
  ]
}
