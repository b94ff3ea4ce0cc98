// The interface of a product of bit planes, and what becomes of its exact sums.
//
// ZERO_POINTS: sums of codes and zero points are given for both sides. SCALED: y is f32, scaled by row and column; otherwise it
// is i32. PLANES_W and PLANES_X are the numbers of planes. Sums of int32 wrap; only the last must be in range.
#include "Common/buffers.glsl"
BUFFER(0, readonly, uint, Weight, weight)
BUFFER(1, readonly, uint, Input, x)
#ifdef SCALED
BUFFER(2, writeonly, float, Output, y)
#else
BUFFER(2, writeonly, int, Output, y)
#endif
#ifdef ZERO_POINTS
BUFFER(3, readonly, int, WeightZeros, w_zero)
BUFFER(4, readonly, int, WeightSums, w_sum)
BUFFER(5, readonly, int, InputZeros, x_zero)
BUFFER(6, readonly, int, InputSums, x_sum)
#define ZERO_ADDRESSES \
  ADDRESS(WeightZeros, w_zero) ADDRESS(WeightSums, w_sum) ADDRESS(InputZeros, x_zero) ADDRESS(InputSums, x_sum)
#define SCALE_BINDING 7
#else
#define ZERO_ADDRESSES
#define SCALE_BINDING 3
#endif
#ifdef SCALED
BUFFER(SCALE_BINDING, readonly, float, WeightScales, w_scale)
BUFFER(SCALE_BINDING + 1, readonly, float, InputScales, x_scale)
#define SCALE_ADDRESSES ADDRESS(WeightScales, w_scale) ADDRESS(InputScales, x_scale)
#else
#define SCALE_ADDRESSES
#endif
CONSTANTS(ADDRESS(Weight, weight) ADDRESS(Input, x) ADDRESS(Output, y) ZERO_ADDRESSES SCALE_ADDRESSES
          uint m; uint n; uint k; uint w01; uint w23; uint w45; uint w67; uint x01; uint x23; uint x45; uint x67;)
#include "Common/bit_planes.glsl"

// What a set bit is worth.
int weight_coefficient(uint s) { return plane_coefficient(uvec4(w01, w23, w45, w67), s); }
int x_coefficient(uint t) { return plane_coefficient(uvec4(x01, x23, x45, x67), t); }

// Writes y[j, i] of the sum of the products of codes.
void store_product(uint j, uint i, int sum) {
#ifdef ZERO_POINTS
  sum += (int(k) * x_zero.v[j] - x_sum.v[j]) * w_zero.v[i] - x_zero.v[j] * w_sum.v[i];
#endif
#ifdef SCALED
  y.v[j * m + i] = float(sum) * x_scale.v[j] * w_scale.v[i];
#else
  y.v[j * m + i] = sum;
#endif
}
