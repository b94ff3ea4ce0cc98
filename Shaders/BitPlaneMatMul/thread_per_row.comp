// y[j, i] = Σ_k x[j, k] · w[i, k] by bit planes, for COLUMNS columns j at once.
//
// A thread owns a row (x groups; specialization constant 0 is the size of the workgroup); y groups are blocks of COLUMNS
// columns. A thread walks its row's words; the words of x are at addresses that all threads share. The body is unrolled over
// all pairs of planes. No subgroup operation, nothing shared.
#version 460
#extension GL_EXT_control_flow_attributes : require
#include "BitPlaneMatMul/bit_plane_product.glsl"
layout(local_size_x_id = 0) in;

void main() {
  const uint i = gl_GlobalInvocationID.x, first = gl_WorkGroupID.y * COLUMNS;
  if (i >= m) return;
  const uint words = (k + 31) / 32;
  int worth[PLANES_W], sums[COLUMNS];
  uint weight_at[PLANES_W], x_at[COLUMNS];
  [[unroll]] for (uint s = 0; s < PLANES_W; s++) {
    weight_at[s] = (s * m + i) * words;
    worth[s] = weight_coefficient(s);
  }
  [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
    // Columns past the end repeat the last one.
    x_at[j] = min(first + j, n - 1) * words;
    sums[j] = 0;
  }
  for (uint w = 0; w < words; w++) {
    uint row[PLANES_W];
    [[unroll]] for (uint s = 0; s < PLANES_W; s++) row[s] = weight.v[weight_at[s] + w];
    [[unroll]] for (uint t = 0; t < PLANES_X; t++) {
      const int times = x_coefficient(t);
      [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
        const uint column = x.v[t * n * words + x_at[j] + w];
        int sum = 0;
        [[unroll]] for (uint s = 0; s < PLANES_W; s++) sum += worth[s] * bitCount(row[s] & column);
        sums[j] += times * sum;
      }
    }
  }
  [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
    if (first + j < n) store_product(first + j, i, sums[j]);
  }
}
