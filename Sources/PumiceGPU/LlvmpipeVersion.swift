extension DeviceInfo {
  /// The major version of Mesa if the driver is llvmpipe, the software driver; nil for any other.
  var llvmpipeVersion: Int? {
    guard driverName == "llvmpipe",
      let version = driverInfo.split(separator: " ").drop(while: { $0 != "Mesa" }).dropFirst().first
    else { return nil }
    return Int(version.prefix { $0.isNumber })
  }

  /// The most loop iterations that one invocation of a shader may run, all its loops together; nil if there is no limit.
  ///
  /// llvmpipe of Mesa 22 leaves every loop after 65,535 iterations, without an error: a sum over 65,536 elements lacks the
  /// last. Mesa 25 does not (both were measured). The versions between count as limited.
  public var loopIterationLimit: Int? {
    guard let llvmpipeVersion, llvmpipeVersion < 25 else { return nil }
    return 65_535
  }

  /// Whether a CPU's driver reads an address that all lanes share once, in loops too, and not once for each lane.
  ///
  /// llvmpipe of Mesa 26 does, and such a load costs it half a gather; Mesa 22 and 25 gather (all were measured). Versions
  /// between count as the older.
  public var sharesUniformLoads: Bool { llvmpipeVersion.map { $0 >= 26 } ?? false }
}
