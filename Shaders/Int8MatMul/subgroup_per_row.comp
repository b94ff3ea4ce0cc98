// y[j, i] = Σ_k x[j, k] · w[i, k] for 8-bit codes, and COLUMNS columns j at once.
//
// A subgroup of SUBGROUP lanes owns a row (x groups; specialization constant 0 is the size of the workgroup, a whole number of
// subgroups); y groups are blocks of COLUMNS columns. Lanes take words l, l + SUBGROUP, … of the row, so that together they
// read consecutive memory; subgroupAdd makes one sum of the lanes' sums. Precondition: subgroups are full.
#version 460
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#include "Int8MatMul/int8_product.glsl"
layout(local_size_x_id = 0) in;

void main() {
  const uint i = gl_WorkGroupID.x * gl_NumSubgroups + gl_SubgroupID, first = gl_WorkGroupID.y * COLUMNS;
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
  for (uint w = gl_SubgroupInvocationID; w < k / 8; w += SUBGROUP) {
    const uint g = i * (k / GROUP) + w / (GROUP / 8);
    const uint zeros = uint(section_byte(zero_at, g)) * 0x01010101u;
    const int times = section_byte(ratio_at, g);
    const uvec2 eight = centered(weight.v[i * (k / 8) + w], zeros);
    [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
      sums[j] += times * (dot4(eight.x, x.v[x_at[j] + 2 * w]) + dot4(eight.y, x.v[x_at[j] + 2 * w + 1]));
    }
  }
#else
  for (uint w = gl_SubgroupInvocationID; w < x_words; w += SUBGROUP) {
    const uint four = weight.v[i * x_words + w];
    [[unroll]] for (uint j = 0; j < COLUMNS; j++) sums[j] += dot4(four, x.v[x_at[j] + w]);
  }
#endif
  [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
    const int sum = subgroupAdd(sums[j]);
    if (gl_SubgroupInvocationID == 0 && first + j < n) store_product(first + j, i, sum);
  }
}
