public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension HeadCopy: Verifiable {
  public static var problems: [HeadCopy] {
    [
      HeadCopy(tokens: 1, length: 1, from: Part(heads: 1, headSize: 1), to: Part(heads: 1, headSize: 1)),
      HeadCopy(tokens: 3, length: 8, from: Part(heads: 1, headSize: 8), to: Part(heads: 5, headSize: 24, offset: 16)),
      HeadCopy(tokens: 2, length: 33, from: Part(heads: 3, headSize: 65, offset: 32), to: Part(heads: 6, headSize: 33)),
      HeadCopy(
        tokens: 5, length: 16, from: Part(heads: 4, headSize: 40, offset: 7),
        to: Part(heads: 4, headSize: 24, offset: 1)),
    ]
  }

  public static var dataKinds: [DataKind] { [.normal, .denormals, .oneHot] }
}
