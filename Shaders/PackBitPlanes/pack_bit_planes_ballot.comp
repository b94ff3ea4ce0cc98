// Bit t of codes[r, i] becomes bit i % 32 of word i / 32 of row r of plane t; sums[r] = Σ_i of what the codes are worth.
//
// One subgroup of LANES lanes (a power of two of at most 128) per row, which is the workgroup. Each lane looks at one code,
// and a ballot over bit t of all of them is a piece of a word of plane t, or several words. Codes are bytes, four to a word;
// rows are whole words. Precondition: subgroups are full.
#version 460
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_ballot : require
#include "Common/buffers.glsl"
BUFFER(0, readonly, uint, Codes, codes)
BUFFER(1, writeonly, uint, Planes, planes)
BUFFER(2, writeonly, int, Sums, sums)
CONSTANTS(ADDRESS(Codes, codes) ADDRESS(Planes, planes) ADDRESS(Sums, sums)
          uint rows; uint width; uint c01; uint c23; uint c45; uint c67;)
layout(local_size_x = LANES) in;
#include "Common/bit_planes.glsl"

#if LANES < 32
#define PIECES (32 / LANES)
#define WORDS 1
#else
#define PIECES 1
#define WORDS (LANES / 32)
#endif

void main() {
  const uint row = gl_WorkGroupID.x, lane = gl_SubgroupInvocationID;
  const uint words = (width + 31) / 32, code_words = (width + 3) / 4;
  const uvec4 coefficients = uvec4(c01, c23, c45, c67);
  int sum = 0;
  for (uint first = 0; first < words; first += WORDS) {
    uint bits[PLANES][WORDS];
    [[unroll]] for (uint t = 0; t < PLANES; t++) {
      [[unroll]] for (uint h = 0; h < WORDS; h++) bits[t][h] = 0;
    }
    [[unroll]] for (uint piece = 0; piece < PIECES; piece++) {
      const uint i = 32 * first + piece * LANES + lane;
      uint code = codes.v[row * code_words + min(i / 4, code_words - 1)] >> (i % 4 * 8);
      if (i >= width) code = 0;
      [[unroll]] for (uint t = 0; t < PLANES; t++) {
        const uvec4 ballot = subgroupBallot(((code >> t) & 1u) != 0u);
        [[unroll]] for (uint h = 0; h < WORDS; h++) bits[t][h] |= ballot[h] << (piece * LANES % 32);
      }
    }
    [[unroll]] for (uint h = 0; h < WORDS; h++) {
      [[unroll]] for (uint t = 0; t < PLANES; t++) {
        // Every lane has the word; they take turns in writing.
        if (lane == t % LANES && first + h < words) planes.v[(t * rows + row) * words + first + h] = bits[t][h];
        sum += plane_coefficient(coefficients, t) * bitCount(bits[t][h]);
      }
    }
  }
  if (lane == 0) sums.v[row] = sum;
}
