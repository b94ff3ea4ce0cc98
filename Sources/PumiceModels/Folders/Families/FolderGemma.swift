import PumiceModelFiles
import PumiceOperators

extension FolderFamily {
  /// Gemma 1 to 3. Folders hold the gains of norms without the 1 that is added.
  static let gemma = [
    // Early folders say gelu, and mean its approximation.
    FolderFamily(
      types: ["gemma"], architecture: "gemma", addsOneToGains: true, isTied: true,
      activation: FolderActivation(standard: "gelu_pytorch_tanh", meanings: ["gelu": .geluTanh])),
    FolderFamily(
      types: ["gemma2"], architecture: "gemma2", inner: Names.normsAround, addsOneToGains: true, isTied: true,
      activation: FolderActivation(standard: "gelu_pytorch_tanh"), windows: .byArchitecture, keys: gemmaKeys,
      adapts: gemmaScale),
    FolderFamily(
      types: ["gemma3_text", "gemma3"], architecture: "gemma3",
      prefixes: ["language_model.model.", "model.language_model.", "language_model.", "model."],
      inner: Names.normsAround, addsOneToGains: true, isTied: true,
      activation: FolderActivation(standard: "gelu_pytorch_tanh"), windows: .byArchitecture, context: 131_072,
      keys: gemmaKeys, adapts: gemmaScale),
  ]

  private static let gemmaKeys: [FolderKey] = [
    .number("attn_logit_softcapping", "attn_logit_softcapping"),
    .number("final_logit_softcapping", "final_logit_softcapping"),
    FolderKey("attention.scale", reading: ["query_pre_attn_scalar"]) {
      (settings: FolderSettings) throws(ModelFileError) in
      let scalar = try settings.number("query_pre_attn_scalar") ?? 256
      guard scalar > 0 else { throw settings.refusal("query_pre_attn_scalar", "\(scalar) is not above 0") }
      return .float32(Float(1 / scalar.squareRoot()))
    },
  ]

  /// GGUF's architectures know the scale by the number of layers.
  private static let gemmaScale: @Sendable (inout Architecture, FolderSettings) throws(ModelFileError) -> Void = {
    architecture, _ in
    architecture.attentionScale = .key
    architecture.caps.scores = true
  }
}
