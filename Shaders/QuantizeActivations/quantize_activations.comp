// codes[r, i] = round(x[r, i] / scale[r]) + zero[r], within least … greatest, where the scale parts the range of the row into
// `levels` steps: the range of the sizes or, with ASYMMETRIC, from the least number to the greatest, 0 included.
//
// One workgroup per row, threads stride along it; specialization constant 0 is its size. Codes are signed bytes, four to a word;
// a thread makes whole words. Past the width codes are 0.
#version 460
#extension GL_EXT_control_flow_attributes : require
#include "Common/buffers.glsl"
BUFFER(0, readonly, float, Input, x)
BUFFER(1, writeonly, uint, Codes, codes)
BUFFER(2, writeonly, float, Scales, scales)
#ifdef ASYMMETRIC
BUFFER(3, writeonly, int, Zeros, zeros)
#define ZERO_ADDRESS ADDRESS(Zeros, zeros)
#else
#define ZERO_ADDRESS
#endif
CONSTANTS(ADDRESS(Input, x) ADDRESS(Codes, codes) ADDRESS(Scales, scales) ZERO_ADDRESS
          uint width; float levels; int least; int greatest; float smallest;)
layout(local_size_x_id = 0) in;
#include "Common/reduce.glsl"

void main() {
  const uint row = gl_WorkGroupID.x;
  float low = 0.0, high = 0.0;
  for (uint i = gl_LocalInvocationID.x; i < width; i += gl_WorkGroupSize.x) {
    low = min(low, x.v[row * width + i]);
    high = max(high, x.v[row * width + i]);
  }
  low = -reduce_max(-low);
  high = reduce_max(high);
  const float largest = max(high, -low);
  const bool is_tiny = largest < smallest;
#ifdef ASYMMETRIC
  const float range = high - low;
#else
  const float range = largest;
#endif
  const float inverse = is_tiny ? 0.0 : levels / range;
  int zero = 0;
#ifdef ASYMMETRIC
  zero = least + int(roundEven(-low * inverse));
#endif
  const uint words = (width + 3) / 4;
  for (uint w = gl_LocalInvocationID.x; w < words; w += gl_WorkGroupSize.x) {
    uint word = 0;
    [[unroll]] for (uint b = 0; b < 4; b++) {
      const uint i = 4 * w + b;
      if (i >= width) continue;
      const int code = clamp(int(roundEven(x.v[row * width + i] * inverse)) + zero, least, greatest);
      word |= (uint(code) & 0xffu) << (8 * b);
    }
    codes.v[row * words + w] = word;
  }
  if (gl_LocalInvocationID.x == 0) {
    scales.v[row] = is_tiny ? 0.0 : range / levels;
#ifdef ASYMMETRIC
    zeros.v[row] = zero;
#endif
  }
}
