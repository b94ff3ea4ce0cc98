// The interface of a product of 8-bit codes, its dot products of four, and what becomes of the exact sums.
//
// GROUP: weights are the sections of a dual grained tensor: 4-bit codes, and for every GROUP of them a ratio and a zero point,
// which are bytes; scales of the rows are halves; sections begin at the words ratio_at, zero_at and scale_at. Otherwise weights
// are 8-bit codes. SCALED: y is f32, scaled by row and column; otherwise it is i32. PACKED_DOT: dot products are one
// instruction of SPIR-V, which old compilers have no GLSL function for.
#ifdef PACKED_DOT
#extension GL_EXT_spirv_intrinsics : require
#endif
#include "Common/buffers.glsl"
BUFFER(0, readonly, uint, Weight, weight)
BUFFER(1, readonly, uint, Input, x)
#ifdef SCALED
BUFFER(2, writeonly, float, Output, y)
#ifdef GROUP
BUFFER(3, readonly, float, InputScales, x_scale)
#define SCALE_ADDRESSES ADDRESS(InputScales, x_scale)
#else
BUFFER(3, readonly, float, WeightScales, w_scale)
BUFFER(4, readonly, float, InputScales, x_scale)
#define SCALE_ADDRESSES ADDRESS(WeightScales, w_scale) ADDRESS(InputScales, x_scale)
#endif
#else
BUFFER(2, writeonly, int, Output, y)
#define SCALE_ADDRESSES
#endif
#ifdef GROUP
#define SECTIONS uint ratio_at; uint zero_at; uint scale_at;
#else
#define SECTIONS
#endif
CONSTANTS(ADDRESS(Weight, weight) ADDRESS(Input, x) ADDRESS(Output, y) SCALE_ADDRESSES
          uint m; uint n; uint k; SECTIONS)

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
// Eight weights without their ratio, each a signed byte, in order: halves of bytes are spread to bytes, and the zero point, in
// every byte of `zeros`, is taken from codes that have their highest bit set meanwhile, so that nothing is borrowed of the
// neighbour.
uvec2 centered(uint codes, uint zeros) {
  uvec2 halves = uvec2(codes & 0xffffu, codes >> 16);
  halves = (halves | halves << 8) & 0x00ff00ffu;
  halves = (halves | halves << 4) & 0x0f0f0f0fu;
  return ((halves | 0x80808080u) - zeros) ^ 0x80808080u;
}

// Byte `at` of the section that begins at word `section`, as a signed number.
int section_byte(uint section, uint at) {
  return bitfieldExtract(int(weight.v[section + at / 4]), int(at % 4 * 8), 8);
}

float weight_scale(uint i) { return unpackHalf2x16(weight.v[scale_at + i / 2] >> (i % 2 * 16)).x; }
#elif defined(SCALED)
float weight_scale(uint i) { return w_scale.v[i]; }
#endif

// Writes y[j, i] of the sum of the products of codes.
void store_product(uint j, uint i, int sum) {
#ifdef SCALED
  y.v[j * m + i] = float(sum) * x_scale.v[j] * weight_scale(i);
#else
  y.v[j * m + i] = sum;
#endif
}
