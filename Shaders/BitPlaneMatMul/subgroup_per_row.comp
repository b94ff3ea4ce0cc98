// y[j, i] = Σ_k x[j, k] · w[i, k] by bit planes, for COLUMNS columns j at once.
//
// A subgroup of SUBGROUP lanes owns a row (x groups; specialization constant 0 is the size of the workgroup, a whole number of
// subgroups); y groups are blocks of COLUMNS columns. Lanes take words l, l + SUBGROUP, … of the row, so that together they
// read consecutive memory; subgroupAdd makes one sum of the lanes' sums. Precondition: subgroups are full.
#version 460
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#include "BitPlaneMatMul/bit_plane_product.glsl"
layout(local_size_x_id = 0) in;

void main() {
  const uint i = gl_WorkGroupID.x * gl_NumSubgroups + gl_SubgroupID, first = gl_WorkGroupID.y * COLUMNS;
  if (i >= m) return;
  const uint words = (k + 31) / 32;
  int worth[PLANES_W], sums[COLUMNS];
  [[unroll]] for (uint s = 0; s < PLANES_W; s++) worth[s] = weight_coefficient(s);
  [[unroll]] for (uint j = 0; j < COLUMNS; j++) sums[j] = 0;
  for (uint w = gl_SubgroupInvocationID; w < words; w += SUBGROUP) {
    uint row[PLANES_W];
    [[unroll]] for (uint s = 0; s < PLANES_W; s++) row[s] = weight.v[(s * m + i) * words + w];
    for (uint t = 0; t < PLANES_X; t++) {
      const int times = x_coefficient(t);
      [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
        // Columns past the end repeat the last one.
        const uint column = x.v[(t * n + min(first + j, n - 1)) * words + w];
        int sum = 0;
        [[unroll]] for (uint s = 0; s < PLANES_W; s++) sum += worth[s] * bitCount(row[s] & column);
        sums[j] += times * sum;
      }
    }
  }
  [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
    const int sum = subgroupAdd(sums[j]);
    if (gl_SubgroupInvocationID == 0 && first + j < n) store_product(first + j, i, sum);
  }
}
