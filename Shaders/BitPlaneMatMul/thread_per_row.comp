// y[j, i] = Σ_k x[j, k] · w[i, k] by bit planes, for COLUMNS columns j at once.
//
// A thread owns a row (x groups; specialization constant 0 is the size of the workgroup); y groups are blocks of COLUMNS
// columns. A thread walks its row's words; the words of x are at addresses that all threads share. For each pair of planes it
// counts common bits, and what the pairs are worth comes in once at the end. No subgroup operation, nothing shared.
#version 460
#extension GL_EXT_control_flow_attributes : require
#include "BitPlaneMatMul/bit_plane_product.glsl"
layout(local_size_x_id = 0) in;

void main() {
  const uint i = gl_GlobalInvocationID.x, first = gl_WorkGroupID.y * COLUMNS;
  if (i >= m) return;
  const uint words = (k + 31) / 32;
  uint weight_at[PLANES_W], x_at[PLANES_X][COLUMNS];
  int counts[PLANES_W][PLANES_X][COLUMNS];
  [[unroll]] for (uint s = 0; s < PLANES_W; s++) weight_at[s] = (s * m + i) * words;
  [[unroll]] for (uint t = 0; t < PLANES_X; t++) {
    [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
      // Columns past the end repeat the last one.
      x_at[t][j] = (t * n + min(first + j, n - 1)) * words;
      [[unroll]] for (uint s = 0; s < PLANES_W; s++) counts[s][t][j] = 0;
    }
  }
  for (uint w = 0; w < words; w++) {
    uint row[PLANES_W];
    [[unroll]] for (uint s = 0; s < PLANES_W; s++) row[s] = weight.v[weight_at[s] + w];
    [[unroll]] for (uint t = 0; t < PLANES_X; t++) {
      [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
        const uint column = x.v[x_at[t][j] + w];
        [[unroll]] for (uint s = 0; s < PLANES_W; s++) counts[s][t][j] += bitCount(row[s] & column);
      }
    }
  }
  [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
    int sum = 0;
    [[unroll]] for (uint s = 0; s < PLANES_W; s++) {
      [[unroll]] for (uint t = 0; t < PLANES_X; t++) sum += pair_coefficient(s, t) * counts[s][t][j];
    }
    if (first + j < n) store_product(first + j, i, sum);
  }
}
