// y[r, i] = exp(scale · x[r, i] − max) / Σ_j exp(scale · x[r, j] − max); a row of −∞ alone gives zeros.
// One workgroup per row, threads stride along it; specialization constant 0 is its size.
#version 460
#include "Common/buffers.glsl"
BUFFER(0, readonly, float, Input, x)
BUFFER(1, writeonly, float, Output, y)
CONSTANTS(ADDRESS(Input, x) ADDRESS(Output, y) uint width; float scale;)
layout(local_size_x_id = 0) in;
#include "Common/reduce.glsl"

#define LEAST uintBitsToFloat(0xff800000u)

void main() {
  const uint row = gl_WorkGroupID.x * width;
  float largest = LEAST;
  for (uint i = gl_LocalInvocationID.x; i < width; i += gl_WorkGroupSize.x) largest = max(largest, x.v[row + i] * scale);
  largest = reduce_max(largest);
  const bool empty = largest == LEAST;
  float total = 0.0;
  for (uint i = gl_LocalInvocationID.x; i < width; i += gl_WorkGroupSize.x) {
    if (!empty) total += exp(x.v[row + i] * scale - largest);
  }
  total = reduce_add(total);
  for (uint i = gl_LocalInvocationID.x; i < width; i += gl_WorkGroupSize.x) {
    y.v[row + i] = empty ? 0.0 : exp(x.v[row + i] * scale - largest) / total;
  }
}
