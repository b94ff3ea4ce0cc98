// y[p, i] = Σ_l weight[experts[p], i, l] · x[p, l] (+ bias[experts[p], i]) for every pair p of a token and a slot; with
// INPUT_SHARED the slots of a token share its column of x. A pair without a real expert gives zeros.
// One thread per element of y: x groups along rows, y groups along pairs. The plainest kernel there is, for any device.
#version 460
#extension GL_EXT_control_flow_attributes : require
#include "Common/buffers.glsl"
BUFFER(0, readonly, uint, Weight, weight)
BUFFER(1, readonly, float, Input, x)
// Without a bias its binding is never read.
BUFFER(2, readonly, float, Bias, bias)
BUFFER(3, writeonly, float, Output, y)
#include "Common/columns.glsl"
#define LATTICE_BINDING AFTER_COLUMNS
#include "Common/lattice_buffer.glsl"
CONSTANTS(ADDRESS(Weight, weight) ADDRESS(Input, x) ADDRESS(Bias, bias) ADDRESS(Output, y) COLUMNS_ADDRESS LATTICE_ADDRESS
          uint m; uint k; uint flags; COLUMNS_CONSTANTS)
layout(local_size_x_id = 0) in;

#define WEIGHT_LOAD(i) weight.v[i]
#define WEIGHT_ROWS TOTAL_ROWS
#define WEIGHT_COLUMNS k
#include "Common/weights.glsl"
#include "ExpertMatMul/route.glsl"

void main() {
  const uint i = gl_GlobalInvocationID.x;
  if (i >= m || !route()) return;
  float sum = 0.0;
  for (uint l = 0; l < k; l++) sum = fma(weight_at(FIRST_ROW + i, l), x.v[COLUMN_X(0) + l], sum);
  if ((flags & 1) != 0) sum += bias.v[FIRST_ROW + i];
  COLUMN_STORE(0, i, sum);
}
