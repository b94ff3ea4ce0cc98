// Bit t of codes[r, i] becomes bit i % 32 of word i / 32 of row r of plane t; sums[r] = Σ_i of what the codes are worth.
//
// One workgroup per row, specialization constant 0 is its size; a thread makes whole words, 32 codes into one word of each of
// the PLANES planes, and threads stride along the row. Codes are bytes, four to a word; rows are whole words.
#version 460
#extension GL_EXT_control_flow_attributes : require
#include "Common/buffers.glsl"
BUFFER(0, readonly, uint, Codes, codes)
BUFFER(1, writeonly, uint, Planes, planes)
BUFFER(2, writeonly, int, Sums, sums)
CONSTANTS(ADDRESS(Codes, codes) ADDRESS(Planes, planes) ADDRESS(Sums, sums)
          uint rows; uint width; uint c01; uint c23; uint c45; uint c67;)
layout(local_size_x_id = 0) in;
#include "Common/reduce.glsl"
#include "Common/bit_planes.glsl"

void main() {
  const uint row = gl_WorkGroupID.x;
  const uint words = (width + 31) / 32, code_words = (width + 3) / 4;
  const uvec4 coefficients = uvec4(c01, c23, c45, c67);
  int sum = 0;
  for (uint w = gl_LocalInvocationID.x; w < words; w += gl_WorkGroupSize.x) {
    uint bits[PLANES];
    [[unroll]] for (uint t = 0; t < PLANES; t++) bits[t] = 0;
    [[unroll]] for (uint i = 0; i < 8; i++) {
      const uint at = 8 * w + i;
      const uint four = codes.v[row * code_words + min(at, code_words - 1)];
      [[unroll]] for (uint t = 0; t < PLANES; t++) {
        // The factor moves bits 0, 8, 16 and 24 to 28, 29, 30 and 31.
        bits[t] |= ((((four >> t) & 0x01010101u) * 0x10204080u) >> 28) << (4 * i);
      }
    }
    const uint used = min(width - 32 * w, 32u);
    const uint mask = used == 32 ? 0xffffffffu : (1u << used) - 1u;
    [[unroll]] for (uint t = 0; t < PLANES; t++) {
      const uint word = bits[t] & mask;
      planes.v[(t * rows + row) * words + w] = word;
      sum += plane_coefficient(coefficients, t) * bitCount(word);
    }
  }
  // Sums of integers wrap, so that negative ones may be added as if they had no sign.
  const int total = int(reduce_add(uint(sum)));
  if (gl_LocalInvocationID.x == 0) sums.v[row] = total;
}
