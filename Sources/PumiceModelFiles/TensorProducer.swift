/// Makes the bytes of one tensor while a file is written, in pieces of any size.
struct TensorProducer {
  let produce: (_ sink: (UnsafeRawBufferPointer) throws -> Void) throws -> Void

  /// Writes the tensor, which must give exactly `size` bytes.
  ///
  /// - Parameter invalid: makes the error about the tensor from what is wrong.
  /// - Throws: what `invalid` makes, and whatever producer and sink throw.
  func write(
    _ size: Int, of description: String, to sink: (UnsafeRawBufferPointer) throws -> Void,
    invalid: (String) -> ModelFileError
  ) throws {
    var written = 0
    try produce { piece in
      written += piece.count
      guard written <= size else {
        throw invalid("its producer gives more than the \(size) bytes of \(description)")
      }
      try sink(piece)
    }
    guard written == size else {
      throw invalid("its producer gives \(written) bytes, but \(description) takes \(size)")
    }
  }
}
