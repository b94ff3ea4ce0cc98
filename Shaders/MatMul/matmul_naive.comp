// y[j, i] (+)= Σ_k weight[i, k] · x[j, k] (+ bias[i]). One thread per element of y: x groups along rows i of the weight, y
// groups along columns j of the activations. The plainest kernel there is, for any shape and device.
#version 460
#extension GL_EXT_control_flow_attributes : require
#include "Common/buffers.glsl"
BUFFER(0, readonly, uint, Weight, weight)
BUFFER(1, readonly, float, Input, x)
// Without a bias its binding is never read.
BUFFER(2, readonly, float, Bias, bias)
BUFFER(3, readwrite, float, Output, y)
#define LATTICE_BINDING 4
#include "Common/lattice_buffer.glsl"
CONSTANTS(ADDRESS(Weight, weight) ADDRESS(Input, x) ADDRESS(Bias, bias) ADDRESS(Output, y) LATTICE_ADDRESS uint m; uint k; uint flags;)
layout(local_size_x_id = 0) in;

#define WEIGHT_LOAD(i) weight.v[i]
#define WEIGHT_ROWS m
#define WEIGHT_COLUMNS k
#include "Common/weights.glsl"

void main() {
  const uint i = gl_GlobalInvocationID.x;
  const uint j = gl_WorkGroupID.y;
  if (i >= m) return;
  float sum = 0.0;
  for (uint l = 0; l < k; l++) sum = fma(weight_at(i, l), x.v[j * k + l], sum);
  if ((flags & 1) != 0) sum += bias.v[i];
  if ((flags & 2) != 0) sum += y.v[j * m + i];
  y.v[j * m + i] = sum;
}
