import Foundation
import PackagePlugin

/// Embeds the GLSL below `Shaders/` as text into the target PumiceShaders.
@main
struct EmbedShadersPlugin: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: Target) async throws -> [Command] {
    guard let module = target as? SourceModuleTarget else { return [] }
    let sources = module.sourceFiles.map(\.url).filter { ["comp", "glsl"].contains($0.pathExtension) }
      .sorted { $0.path < $1.path }
    let output = context.pluginWorkDirectoryURL.appending(path: "EmbeddedShaders.swift")
    return [
      .buildCommand(
        displayName: "Embedding \(sources.count) shader files", executable: try context.tool(named: "EmbedShaders").url,
        arguments: [module.directoryURL.path, output.path] + sources.map(\.path), inputFiles: sources,
        outputFiles: [output])
    ]
  }
}
