import PumiceOperators
import PumiceTensors
import Testing

@testable import PumiceVerification

@Suite struct WorkspaceTests {
  private let arguments: [Argument] = [.input("x", [3]), .inout("cache", [2], .f16), .output("y", [5])]
  private var workspace: Workspace {
    Workspace(arguments, inputs: ["x": Array(0..<12), "cache": [1, 2, 3, 4]])
  }

  /// The index in the image of a word of an argument.
  private func word(_ index: Int, of name: String) throws -> Int {
    let workspace = workspace
    return try #require(
      workspace.image.indices.first { workspace.location(ofWord: $0).hasSuffix(" \(name) at word \(index)") })
  }

  @Test func inputsArriveAndOutputsArePoison() throws {
    let workspace = workspace
    #expect(workspace.bytes(of: "x", in: workspace.image) == Array(0..<12))
    #expect(workspace.bytes(of: "cache", in: workspace.image) == [1, 2, 3, 4])
    let y = workspace.image[try word(0, of: "y")..<(try word(5 - 1, of: "y")) + 1]
    #expect(y.allSatisfy { Float(bitPattern: $0).isNaN })
  }

  @Test func outputsMayBeWrittenAndNothingElse() throws {
    let workspace = workspace
    for index in workspace.image.indices {
      var found = workspace.image
      found[index] ^= 1
      let location = workspace.location(ofWord: index)
      #expect((workspace.damage(in: found) == nil) == location.hasPrefix("the output"), "\(location)")
    }
  }

  @Test func damageIsNamed() throws {
    let workspace = workspace
    var found = workspace.image
    found[try word(1, of: "x")] = 0
    #expect(workspace.damage(in: found) == "the input x at word 1 was overwritten")
    found = workspace.image
    found[try word(4, of: "y") + 1] = 0
    #expect(workspace.damage(in: found) == "a guard word 20 bytes from the start of y was overwritten")
  }

  @Test func guardsAreDifferentNaNsEverywhere() {
    let guards = (0..<4096).map(Workspace.guardWord(at:))
    #expect(guards.allSatisfy { Float(bitPattern: $0).isNaN })
    #expect(Set(guards).count > 4000)
    #expect(!guards.contains(Workspace.poisonWord))
  }
}
