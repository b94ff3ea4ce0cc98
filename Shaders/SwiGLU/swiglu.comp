// y[i] = gate[i] · σ(gate[i]) · up[i]. One thread per element.
#version 460
#include "Common/buffers.glsl"
BUFFER(0, readonly, float, Gate, gate)
BUFFER(1, readonly, float, Up, up)
BUFFER(2, writeonly, float, Output, y)
CONSTANTS(ADDRESS(Gate, gate) ADDRESS(Up, up) ADDRESS(Output, y) uint count; uint threads_per_row;)
layout(local_size_x_id = 0) in;

void main() {
  // Two dimensions of groups, because one alone may have as few as 65,535.
  const uint i = gl_WorkGroupID.y * threads_per_row + gl_GlobalInvocationID.x;
  if (i >= count || gl_GlobalInvocationID.x >= threads_per_row) return;
  const float g = gate.v[i];
  y.v[i] = g / (1.0 + exp(-g)) * up.v[i];
}
