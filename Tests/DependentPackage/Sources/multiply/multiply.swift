import PumiceGPU
import PumiceKernels
import PumiceOperators

// Multiplies a 2×3 matrix by a 3×2 matrix on the best Vulkan device there is.
@main
struct Multiply {
  static func main() throws {
    let device = try Device.open(nil, options: .fromEnvironment())
    let kernels = KernelLibrary(device: device)

    // y[j, i] = Σ weight[i, l] · x[j, l]: x holds the second matrix by columns, and y is the product by columns.
    let product = try kernels.run(
      MatMul(m: 2, n: 2, k: 3, weight: .f32),
      inputs: ["weight": [1, 2, 3, 4, 5, 6], "x": [7, 9, 11, 8, 10, 12]])["y"]!

    guard product == [58, 139, 64, 154] else { fatalError("\(device.info.name) says \(product)") }
    print("\(device.info.name): \(product)")
  }
}
