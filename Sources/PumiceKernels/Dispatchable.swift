public import PumiceGPU
public import PumiceOperators

/// How an operator runs: its variants, and which of them to prefer.
public protocol Dispatchable: Operator {
  static var variants: [Variant<Self>] { get }

  /// Names of variants in the order in which to try them for this problem on this device. Variants that are not named
  /// follow in the order of `variants`.
  func preference(on device: DeviceInfo) -> [String]

  /// The name of a function of the user's that takes part, and may make results that are no numbers of operands that are;
  /// nil if there is none.
  var userFunction: String? { get }
}

extension Dispatchable {
  /// Every shader that a variant names.
  public static var shaderPaths: [String] { variants.flatMap(\.shaders) }

  /// The names of all variants.
  public static var variantNames: [String] { variants.map(\.name) }

  public func preference(on device: DeviceInfo) -> [String] { [] }
  public var userFunction: String? { nil }

  /// All variants, the preferred first.
  public func orderedVariants(on device: DeviceInfo) -> [Variant<Self>] {
    let names = preference(on: device)
    return names.compactMap { name in Self.variants.first { $0.name == name } }
      + Self.variants.filter { !names.contains($0.name) }
  }
}
