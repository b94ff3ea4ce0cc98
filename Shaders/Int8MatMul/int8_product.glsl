// The interface of a product of 8-bit codes, its dot products of four, and what becomes of the exact sums.
//
// GROUP: weights are 4-bit codes in groups of GROUP along k, with a zero point and a ratio each; otherwise they are 8-bit codes.
// SCALED: y is f32, scaled by row and column; otherwise it is i32. PACKED_DOT: dot products are one instruction of SPIR-V, which
// old compilers have no GLSL function for.
#ifdef PACKED_DOT
#extension GL_EXT_spirv_intrinsics : require
#endif
#include "Common/buffers.glsl"
BUFFER(0, readonly, uint, Weight, weight)
#ifdef GROUP
BUFFER(1, readonly, uint, Ratios, ratio)
BUFFER(2, readonly, uint, ZeroPoints, zero)
#define GROUP_ADDRESSES ADDRESS(Ratios, ratio) ADDRESS(ZeroPoints, zero)
#define INPUT_BINDING 3
#else
#define GROUP_ADDRESSES
#define INPUT_BINDING 1
#endif
BUFFER(INPUT_BINDING, readonly, uint, Input, x)
#ifdef SCALED
BUFFER(INPUT_BINDING + 1, writeonly, float, Output, y)
BUFFER(INPUT_BINDING + 2, readonly, float, WeightScales, w_scale)
BUFFER(INPUT_BINDING + 3, readonly, float, InputScales, x_scale)
#define SCALE_ADDRESSES ADDRESS(WeightScales, w_scale) ADDRESS(InputScales, x_scale)
#else
BUFFER(INPUT_BINDING + 1, writeonly, int, Output, y)
#define SCALE_ADDRESSES
#endif
CONSTANTS(ADDRESS(Weight, weight) GROUP_ADDRESSES ADDRESS(Input, x) ADDRESS(Output, y) SCALE_ADDRESSES
          uint m; uint n; uint k;)

// The sum of the products of four signed bytes.
#ifdef PACKED_DOT
// OpSDot with PackedVectorFormat4x8Bit.
spirv_instruction(extensions = ["SPV_KHR_integer_dot_product"], capabilities = [6018, 6019], id = 4450)
int packed_dot(uint a, uint b, spirv_literal int format);
int dot4(uint a, uint b) { return packed_dot(a, b, 0); }
#else
int dot4(uint a, uint b) {
  int sum = 0;
  [[unroll]] for (int i = 0; i < 4; i++) sum += bitfieldExtract(int(a), 8 * i, 8) * bitfieldExtract(int(b), 8 * i, 8);
  return sum;
}
#endif

#ifdef GROUP
// Eight weights without their ratio, each a signed byte: the zero point, in every byte of `zeros`, is taken from codes that
// have their highest bit set meanwhile, so that nothing is borrowed of the neighbour.
uvec2 centered(uint codes, uint zeros) {
  const uvec2 halves = uvec2(codes, codes >> 4) & 0x0f0f0f0fu;
  return ((halves | 0x80808080u) - zeros) ^ 0x80808080u;
}

// Byte `at` of a row that begins with word `row` of a tensor of bytes, as a signed number.
#define GROUP_NUMBER(tensor, row, at) bitfieldExtract(int(tensor.v[(row) + (at) / 4]), int((at) % 4 * 8), 8)
#endif

// Writes y[j, i] of the sum of the products of codes.
void store_product(uint j, uint i, int sum) {
#ifdef SCALED
  y.v[j * m + i] = float(sum) * x_scale.v[j] * w_scale.v[i];
#else
  y.v[j * m + i] = sum;
#endif
}
