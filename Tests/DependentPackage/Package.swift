// swift-tools-version: 6.2
import PackageDescription

// What another package does to use Pumice; here by path instead of by URL.
let package = Package(
  name: "DependentPackage",
  dependencies: [.package(name: "Pumice", path: "../..")],
  targets: [
    .executableTarget(name: "multiply", dependencies: [.product(name: "Pumice", package: "Pumice")])
  ]
)
