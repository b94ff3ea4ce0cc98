extension DeviceInfo {
  /// The most loop iterations that one invocation of a shader may run, all its loops together; nil if there is no limit.
  ///
  /// llvmpipe of Mesa 22 leaves every loop after 65,535 iterations, without an error: a sum over 65,536 elements lacks the
  /// last. Mesa 25 does not (both were measured). The versions between count as limited.
  public var loopIterationLimit: Int? {
    guard driverName == "llvmpipe",
      let version = driverInfo.split(separator: " ").drop(while: { $0 != "Mesa" }).dropFirst().first,
      let major = Int(version.prefix { $0.isNumber }), major < 25
    else { return nil }
    return 65_535
  }
}
