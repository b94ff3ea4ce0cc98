// swift-tools-version: 6.2
import Foundation
import PackageDescription

// Debian 12's shared libshaderc does not load (undefined glslang symbols), so where the static archives of
// libshaderc-dev, glslang-dev and spirv-tools are installed they are linked as the compiler of last resort before
// the `glslc` program. Elsewhere the shared library is opened at run time and nothing is linked.
let shadercArchives = [
  "shaderc_combined", "glslang", "MachineIndependent", "GenericCodeGen", "OSDependent", "OGLCompiler", "SPIRV",
  "SPIRV-Tools-opt", "SPIRV-Tools",
]
let libraryFolders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"]
let linksShaderc = libraryFolders.contains { folder in
  shadercArchives.allSatisfy { FileManager.default.fileExists(atPath: "\(folder)/lib\($0).a") }
}

// Tools/test sets this; a user's build must not fail on a warning that a newer compiler invents.
let strict = Context.environment["PUMICE_WARNINGS_AS_ERRORS"] == "1"
let settings: [SwiftSetting] =
  [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
  ] + (strict ? [.treatAllWarnings(as: .error)] : [])

let package = Package(
  name: "Pumice",
  products: [
    .library(
      name: "Pumice",
      targets: [
        "PumiceGPU", "PumiceTensors", "PumiceOperators", "PumiceReference", "PumiceKernels",
        "PumiceVerification", "PumiceQuantization", "PumiceModelFiles", "PumiceTokenizers", "PumiceTemplates",
        "PumiceModels",
      ]),
    .executable(name: "pumice", targets: ["pumice"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.0.0"),
  ],
  targets: [
    // Headers of the Vulkan loader; the loader itself is opened at run time, so that a machine without one gets an error.
    .systemLibrary(name: "CVulkan", providers: [.apt(["libvulkan-dev"])]),
    .systemLibrary(name: "CShaderc", providers: [.apt(["libshaderc-dev"])]),

    // The GLSL, embedded as text.
    .executableTarget(name: "EmbedShaders", path: "Tools/EmbedShaders", swiftSettings: settings),
    .plugin(
      name: "EmbedShadersPlugin", capability: .buildTool(), dependencies: ["EmbedShaders"],
      path: "Tools/EmbedShadersPlugin"),
    .target(name: "PumiceShaders", path: "Shaders", swiftSettings: settings, plugins: ["EmbedShadersPlugin"]),

    // Vulkan: devices, memory, pipelines, command lists. Knows bytes, not tensors.
    .target(
      name: "PumiceGPU", dependencies: ["CVulkan", "CShaderc", .product(name: "Logging", package: "swift-log")],
      swiftSettings: settings + (linksShaderc ? [.define("PUMICE_LINKS_SHADERC")] : []),
      linkerSettings: linksShaderc ? (shadercArchives + ["stdc++", "m"]).map { .linkedLibrary($0) } : []),

    // Shapes, formats, block layouts.
    .target(name: "PumiceTensors", swiftSettings: settings),
    // What each operator is: parameters, shapes, cost, rounding model.
    .target(name: "PumiceOperators", dependencies: ["PumiceTensors"], swiftSettings: settings),
    // What each operator computes: naive loops in Double. Must not import any GPU code.
    .target(name: "PumiceReference", dependencies: ["PumiceOperators", "PumiceTensors"], swiftSettings: settings),
    // How each operator runs: variants, choice, dispatch.
    .target(
      name: "PumiceKernels", dependencies: ["PumiceOperators", "PumiceTensors", "PumiceGPU", "PumiceShaders"],
      swiftSettings: settings),
    // How each operator would be wrong: cases, data, comparator, mutants, benchmarks, quarantine.
    .target(
      name: "PumiceVerification",
      dependencies: [
        "PumiceReference", "PumiceKernels", "PumiceOperators", "PumiceTensors", "PumiceGPU", "PumiceShaders",
      ],
      swiftSettings: settings),

    // What turns floats into codes: encoders, codebooks, and the methods that choose among them.
    .target(
      name: "PumiceQuantization", dependencies: ["PumiceReference", "PumiceTensors"], swiftSettings: settings),

    // GGUF, safetensors, config.json; hostile input, never traps.
    .target(name: "PumiceModelFiles", dependencies: ["PumiceTensors"], swiftSettings: settings),
    .target(name: "PumiceTokenizers", dependencies: ["PumiceModelFiles"], swiftSettings: settings),
    // The language of chat templates; hostile input, never traps.
    .target(name: "PumiceTemplates", dependencies: ["PumiceModelFiles"], swiftSettings: settings),
    // The bytes of the demo model, embedded by the C compiler.
    .target(name: "CDemoModel"),
    // Architectures as values, backends, KV cache, sampling.
    .target(
      name: "PumiceModels",
      dependencies: [
        "PumiceKernels", "PumiceReference", "PumiceOperators", "PumiceTensors", "PumiceGPU", "PumiceModelFiles",
        "PumiceTokenizers", "PumiceTemplates", "PumiceQuantization", "CDemoModel",
      ],
      exclude: ["Resources"], swiftSettings: settings),
    // Fetches models from a hub into its cache.
    .target(
      name: "PumiceHub", dependencies: [.product(name: "Crypto", package: "swift-crypto")], swiftSettings: settings),
    .executableTarget(
      name: "pumice",
      dependencies: [
        "PumiceHub", "PumiceModels", "PumiceVerification", "PumiceKernels", "PumiceReference", "PumiceOperators",
        "PumiceTensors",
        "PumiceGPU", "PumiceModelFiles", "PumiceTokenizers", "PumiceTemplates", "PumiceQuantization",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: settings),

    .testTarget(name: "TensorsTests", dependencies: ["PumiceTensors"], swiftSettings: settings),
    .testTarget(name: "GPUTests", dependencies: ["PumiceGPU", "PumiceShaders"], swiftSettings: settings),
    .testTarget(
      name: "VerificationTests",
      dependencies: [
        "PumiceVerification", "PumiceReference", "PumiceKernels", "PumiceOperators", "PumiceTensors", "PumiceGPU",
        "PumiceShaders",
      ], swiftSettings: settings),
    .testTarget(name: "ModelFilesTests", dependencies: ["PumiceModelFiles", "PumiceTensors"], swiftSettings: settings),
    .testTarget(
      name: "HubTests", dependencies: ["PumiceHub"], exclude: ["hub_server.py"], swiftSettings: settings),
    .testTarget(
      name: "TokenizersTests", dependencies: ["PumiceTokenizers", "PumiceModelFiles"], swiftSettings: settings),
    .testTarget(
      name: "TemplatesTests", dependencies: ["PumiceTemplates", "PumiceModelFiles"], swiftSettings: settings),
    .testTarget(
      name: "QuantizationTests", dependencies: ["PumiceQuantization", "PumiceReference", "PumiceTensors"],
      swiftSettings: settings),
    .testTarget(
      name: "KernelsTests",
      dependencies: [
        "PumiceVerification", "PumiceKernels", "PumiceReference", "PumiceOperators", "PumiceTensors", "PumiceGPU",
        "PumiceShaders",
      ], swiftSettings: settings),
    .testTarget(
      name: "ModelsTests",
      dependencies: [
        "PumiceModels", "PumiceModelFiles", "PumiceTokenizers", "PumiceKernels", "PumiceGPU", "PumiceTensors",
        "PumiceQuantization", "PumiceReference", "PumiceOperators", "pumice",
      ],
      swiftSettings: settings),
  ],
  swiftLanguageModes: [.v6]
)

// `Tools/fuzz` sets this to the path of libFuzzer: a program of its own that counts which code each input reaches, in the modules
// that read files.
if let library = Context.environment["PUMICE_FUZZER"] {
  let counted = ["PumiceTensors", "PumiceModelFiles", "PumiceTokenizers", "PumiceTemplates", "PumiceModels"]
  for target in package.targets where counted.contains(target.name) {
    target.swiftSettings = settings + [.unsafeFlags(["-sanitize=fuzzer"])]
  }
  package.targets += [
    .systemLibrary(name: "CLibFuzzer", path: "Tools/CLibFuzzer"),
    .executableTarget(
      name: "fuzz-readers",
      dependencies: [
        "CLibFuzzer", "PumiceModels", "PumiceModelFiles", "PumiceTemplates", "PumiceTokenizers", "PumiceTensors",
      ],
      path: "Tools/FuzzReaders", swiftSettings: settings,
      linkerSettings: [.unsafeFlags([library]), .linkedLibrary("stdc++")]),
  ]
}
