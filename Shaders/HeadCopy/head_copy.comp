// y[t, h, target_offset + i] = x[t, h · source_heads / target_heads, source_offset + i] for i < length.
// One thread per element that is copied: x groups along the parts of all heads of a token, y groups along tokens.
#version 460
#include "Common/buffers.glsl"
BUFFER(0, readonly, float, Source, x)
BUFFER(1, writeonly, float, Target, y)
CONSTANTS(ADDRESS(Source, x) ADDRESS(Target, y) uint length; uint source_heads; uint source_size; uint source_offset;
          uint target_heads; uint target_size; uint target_offset;)
layout(local_size_x_id = 0) in;

void main() {
  const uint index = gl_GlobalInvocationID.x, t = gl_WorkGroupID.y;
  if (index >= target_heads * length) return;
  const uint h = index / length, i = index % length;
  const uint from = (t * source_heads + h * source_heads / target_heads) * source_size + source_offset + i;
  y.v[(t * target_heads + h) * target_size + target_offset + i] = x.v[from];
}
