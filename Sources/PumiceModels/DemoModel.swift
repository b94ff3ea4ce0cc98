import CDemoModel
public import PumiceModelFiles

/// The demo model: it tells short stories for children, and is part of every program that links this module.
///
/// Its bytes come from a C file of one `#embed`, not from a resource bundle, which would have to travel beside the
/// binary, nor from a Swift array literal, which takes the compiler minutes at this size; `#embed` takes 0.1 s.
public enum DemoModel {
  /// A text that it continues well.
  public static let prompt = "Once upon a time"

  /// - Throws: what is wrong with the embedded file.
  public static func open() throws(ModelFileError) -> GGUFFile {
    let bytes = UnsafeRawBufferPointer(start: pumice_demo_model_start(), count: pumice_demo_model_size())
    return try GGUFFile(bytes: bytes, name: "demo model")
  }
}
