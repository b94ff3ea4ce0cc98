// y[r, i] = x[r, i] · gain[i] / sqrt(mean_j x[r, j]² + epsilon); with ADDS_RESIDUAL first x[r, i] += addend[r, i].
// One workgroup per row, threads stride along it; specialization constant 0 is its size.
#version 460
#include "Common/buffers.glsl"
#ifdef ADDS_RESIDUAL
BUFFER(0, restrict, float, Residual, x)
BUFFER(1, readonly, float, Addend, addend)
BUFFER(2, readonly, float, Gain, gain)
BUFFER(3, writeonly, float, Output, y)
CONSTANTS(ADDRESS(Residual, x) ADDRESS(Addend, addend) ADDRESS(Gain, gain) ADDRESS(Output, y) uint width; float epsilon;)
#else
BUFFER(0, readonly, float, Input, x)
BUFFER(1, readonly, float, Gain, gain)
BUFFER(2, writeonly, float, Output, y)
CONSTANTS(ADDRESS(Input, x) ADDRESS(Gain, gain) ADDRESS(Output, y) uint width; float epsilon;)
#endif
layout(local_size_x_id = 0) in;
#include "Common/reduce.glsl"

void main() {
  const uint row = gl_WorkGroupID.x * width;
  float squares = 0.0;
  for (uint i = gl_LocalInvocationID.x; i < width; i += gl_WorkGroupSize.x) {
    float value = x.v[row + i];
#ifdef ADDS_RESIDUAL
    value += addend.v[row + i];
    x.v[row + i] = value;
#endif
    squares = fma(value, value, squares);
  }
  const float scale = inversesqrt(reduce_add(squares) / float(width) + epsilon);
  // Every thread reads back only what it wrote itself.
  for (uint i = gl_LocalInvocationID.x; i < width; i += gl_WorkGroupSize.x) {
    y.v[row + i] = x.v[row + i] * scale * gain.v[i];
  }
}
