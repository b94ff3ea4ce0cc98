// index[r] = the least i with x[r, i] = max_j x[r, j]; NaN never wins, and a row without any number above −∞ gives 0.
// One workgroup per row, threads stride along it; specialization constant 0 is its size.
#version 460
#include "Common/buffers.glsl"
BUFFER(0, readonly, float, Input, x)
BUFFER(1, writeonly, uint, Index, index)
CONSTANTS(ADDRESS(Input, x) ADDRESS(Index, index) uint width;)
layout(local_size_x_id = 0) in;
#include "Common/reduce.glsl"

void main() {
  const uint row = gl_WorkGroupID.x * width;
  float largest = uintBitsToFloat(0xff800000u);
  uint best = 0xffffffffu;
  for (uint i = gl_LocalInvocationID.x; i < width; i += gl_WorkGroupSize.x) {
    const float value = x.v[row + i];
    if (value > largest) {
      largest = value;
      best = i;
    }
  }
  const float winner = reduce_max(largest);
  const uint first = reduce_min(largest == winner ? best : 0xffffffffu);
  if (gl_LocalInvocationID.x == 0) index.v[gl_WorkGroupID.x] = first == 0xffffffffu ? 0 : first;
}
