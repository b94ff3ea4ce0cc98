import Foundation
import PumiceModelFiles
import PumiceModels
import PumiceTemplates
import PumiceTokenizers

/// Texts that a tokenizer meets: words, digits, several scripts, what is no character of any, and white space.
private let texts = [
  "Once upon a time, 123456 foxes  weren't there.\n\n\tEnd", "Übergrößenträger 中文字 हिन्दी 👩‍👩‍👧",
  "\u{0}\u{FFFD}\u{301}\r\n <s>[CLS]",
]

/// Reads a file, the model in it and its tokenizer, as far as each goes.
func readGGUF(_ bytes: UnsafeBufferPointer<UInt8>) -> CInt {
  guard let file = try? GGUFFile(bytes: bytes) else { return 0 }
  for tensor in file.tensors { file.withBytes(of: tensor) { touch($0) } }
  if let configuration = try? ModelConfiguration(file), let tensors = try? ModelTensors(file, configuration) {
    _ = try? tensors.memory(SessionOptions(context: min(512, configuration.contextLength)))
  }
  if let tokenizer = try? Tokenizers.load(from: file) { tryOut(tokenizer) }
  return 0
}

func readSafetensors(_ bytes: UnsafeBufferPointer<UInt8>) -> CInt {
  guard let file = try? SafetensorsFile(bytes: bytes) else { return 0 }
  for tensor in file.tensors { file.withBytes(of: tensor) { touch($0) } }
  return 0
}

func readConfiguration(_ bytes: UnsafeBufferPointer<UInt8>) -> CInt {
  guard let folder = FuzzFolder.config.replacing("config.json", by: bytes) else { return 0 }
  _ = try? QuantizationConfig(path: folder)
  for purpose in [FolderAsGGUF.Purpose.running, .conversion] { _ = try? FolderAsGGUF(folder: folder, for: purpose) }
  return 0
}

/// Reads a tokenizer as models run with it, and as it is converted.
func readTokenizer(_ bytes: UnsafeBufferPointer<UInt8>) -> CInt {
  guard let folder = FuzzFolder.tokenizer.replacing("tokenizer.json", by: bytes) else { return 0 }
  let running = try? TokenizerJSON.runningMetadata(folder: folder, bos: 1, eos: [2])
  let converted = try? TokenizerJSON.metadata(folder: folder, tokens: 300, bos: 1, eos: [2])
  for metadata in [running, converted].compactMap({ $0 }) {
    guard let file = try? GGUFFile(bytes: GGUFWriter(metadata: GGUFMetadata(metadata)).bytes()),
      let tokenizer = try? Tokenizers.load(from: file)
    else { continue }
    tryOut(tokenizer)
  }
  return 0
}

func readTemplate(_ bytes: UnsafeBufferPointer<UInt8>) -> CInt {
  guard let source = String(validating: bytes, as: UTF8.self), let template = try? Template(source) else { return 0 }
  var limits = Template.Limits()
  limits.steps = 20_000
  limits.bytes = 1 << 16
  let messages: TemplateValue = [
    ["role": "system", "content": "Be brief."], ["role": "user", "content": "Hello <there>"],
    ["role": "assistant", "content": "  Hi!\n", "tool_calls": [["function": ["name": "f", "arguments": ["x": 1.5]]]]],
  ]
  let variables: [String: TemplateValue] = [
    "messages": messages, "add_generation_prompt": true, "bos_token": "<s>", "eos_token": "</s>", "tools": nil,
    "number": 7, "fraction": -0.25,
  ]
  _ = try? template.render(variables, now: Date(timeIntervalSince1970: 0), limits: limits)
  return 0
}

/// Encodes and decodes: what was encoded must be tokens that there are.
private func tryOut(_ tokenizer: any Tokenizer) {
  for text in texts {
    guard let tokens = try? tokenizer.encode(text, addSpecial: true, parseSpecial: true) else { continue }
    precondition(tokens.allSatisfy { 0..<tokenizer.vocabularySize ~= Int($0) }, "a token that is none")
    _ = tokenizer.decode(tokens)
  }
}

/// Looks at the ends of some bytes, which a wrong bound would put elsewhere.
private func touch(_ bytes: UnsafeRawBufferPointer) {
  guard let first = bytes.first, let last = bytes.last else { return }
  withExtendedLifetime(first &+ last) {}
}
