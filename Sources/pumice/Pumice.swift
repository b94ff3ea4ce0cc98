import ArgumentParser

/// The command-line tool. Exit codes: 0 done, 1 the work failed (a kernel is wrong, a file is broken), 64 wrong usage.
@main
struct Pumice: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pumice",
    abstract: "Runs quantized language models on any Vulkan GPU, and proves its kernels on yours.",
    discussion: """
      The device is chosen by --device or PUMICE_DEVICE; without either it is the best that the drivers offer. Compiled
      shaders and the list of quarantined kernels lie in PUMICE_CACHE, by default ~/.cache/pumice.

      Exit codes: 0 done, 1 the work failed, 64 wrong usage.
      """,
    subcommands: [
      RunCommand.self, ChatCommand.self, DevicesCommand.self, VerifyCommand.self, MutateCommand.self, BenchCommand.self,
      PullCommand.self,
      PerplexityCommand.self, EmbedCommand.self, LogitsCommand.self, TokenizeCommand.self, InspectCommand.self,
      QuantizeCommand.self,
      ErrorsCommand.self, MaskCommand.self, TemplateCommand.self,
    ])
}
