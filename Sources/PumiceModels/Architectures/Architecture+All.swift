extension Architecture {
  /// Every architecture that can be run.
  public static let all = [llama] + likeLlama + qwen
}
