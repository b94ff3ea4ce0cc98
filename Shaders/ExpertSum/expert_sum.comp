// y[t, i] = Σ_s weights[t, s] · x[t, s, i], with ACCUMULATES added to y. One thread per element: x groups along rows of y, y
// groups one token each.
#version 460
#include "Common/buffers.glsl"
BUFFER(0, readonly, float, Input, x)
BUFFER(1, readonly, float, Weights, weights)
BUFFER(2, readwrite, float, Output, y)
CONSTANTS(ADDRESS(Input, x) ADDRESS(Weights, weights) ADDRESS(Output, y) uint slots; uint width;)
layout(local_size_x_id = 0) in;

void main() {
  const uint i = gl_GlobalInvocationID.x, t = gl_WorkGroupID.y;
  if (i >= width) return;
  float sum = 0.0;
  for (uint s = 0; s < slots; s++) sum = fma(weights.v[t * slots + s], x.v[(t * slots + s) * width + i], sum);
#ifdef ACCUMULATES
  sum += y.v[t * width + i];
#endif
  y.v[t * width + i] = sum;
}
