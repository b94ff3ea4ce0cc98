// y[s, i] is the mean of x[s, t, i] over t < lengths[s] with MEAN, else x of the first token, or with LAST of the last. With
// NORMALIZES y[s] is divided by its length, or by 1e-12 if that is more.
// One workgroup per sequence, threads stride along the width; specialization constant 0 is the workgroup's size.
#version 460
#include "Common/buffers.glsl"
BUFFER(0, readonly, float, Input, x)
BUFFER(1, readonly, int, Lengths, lengths)
BUFFER(2, restrict, float, Output, y)
CONSTANTS(ADDRESS(Input, x) ADDRESS(Lengths, lengths) ADDRESS(Output, y) uint tokens; uint width;)
layout(local_size_x_id = 0) in;
#ifdef NORMALIZES
#include "Common/reduce.glsl"
#endif

void main() {
  const uint s = gl_WorkGroupID.x, row = s * width, first = s * tokens * width;
  const uint count = uint(clamp(lengths.v[s], 0, int(tokens)));
#ifdef NORMALIZES
  float squares = 0.0;
#endif
  for (uint i = gl_LocalInvocationID.x; i < width; i += gl_WorkGroupSize.x) {
    float value = 0.0;
#ifdef MEAN
    for (uint t = 0; t < count; t++) value += x.v[first + t * width + i];
    if (count > 0) value /= float(count);
#elif defined(LAST)
    if (count > 0) value = x.v[first + (count - 1) * width + i];
#else
    if (count > 0) value = x.v[first + i];
#endif
    y.v[row + i] = value;
#ifdef NORMALIZES
    squares = fma(value, value, squares);
#endif
  }
#ifdef NORMALIZES
  const float scale = inversesqrt(max(reduce_add(squares), 1e-24));
  // Every thread reads back only what it wrote itself.
  for (uint i = gl_LocalInvocationID.x; i < width; i += gl_WorkGroupSize.x) y.v[row + i] *= scale;
#endif
}
