// y[j, i] = Σ_k x[j, k] · w[i, k] for 8-bit codes, and COLUMNS columns j at once.
//
// A thread owns a row (x groups; specialization constant 0 is the size of the workgroup); y groups are blocks of COLUMNS
// columns. The words of x are at addresses that all threads share. No subgroup operation, nothing shared.
#version 460
#extension GL_EXT_control_flow_attributes : require
#include "Int8MatMul/int8_product.glsl"
layout(local_size_x_id = 0) in;

void main() {
  const uint i = gl_GlobalInvocationID.x, first = gl_WorkGroupID.y * COLUMNS;
  if (i >= m) return;
  const uint x_words = (k + 3) / 4;
  uint x_at[COLUMNS];
  int sums[COLUMNS];
  [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
    // Columns past the end repeat the last one.
    x_at[j] = min(first + j, n - 1) * x_words;
    sums[j] = 0;
  }
#ifdef GROUP
  const uint groups = k / GROUP;
  for (uint g = 0; g < groups; g++) {
    const uint zeros = uint(section_byte(zero_at, i * groups + g)) * 0x01010101u;
    int parts[COLUMNS];
    [[unroll]] for (uint j = 0; j < COLUMNS; j++) parts[j] = 0;
    for (uint w = g * (GROUP / 8); w < (g + 1) * (GROUP / 8); w++) {
      const uvec2 eight = centered(weight.v[i * (k / 8) + w], zeros);
      [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
        parts[j] += dot4(eight.x, x.v[x_at[j] + 2 * w]) + dot4(eight.y, x.v[x_at[j] + 2 * w + 1]);
      }
    }
    const int times = section_byte(ratio_at, i * groups + g);
    [[unroll]] for (uint j = 0; j < COLUMNS; j++) sums[j] += times * parts[j];
  }
#else
  for (uint w = 0; w < x_words; w++) {
    const uint four = weight.v[i * x_words + w];
    [[unroll]] for (uint j = 0; j < COLUMNS; j++) sums[j] += dot4(four, x.v[x_at[j] + w]);
  }
#endif
  [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
    if (first + j < n) store_product(first + j, i, sums[j]);
  }
}
