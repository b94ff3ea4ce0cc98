extension Architecture {
  /// Every architecture that can be run.
  public static let all: [Architecture] =
    [llama] + likeLlama + qwen + gemma + phi + granite + olmo + cohere + withLayerNorm + withoutRotary + withExperts
    + encoders
}
