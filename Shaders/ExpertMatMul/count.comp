// counts[e] = the number of pairs of a token and a slot whose expert is e; those without a real expert count for the first.
// One thread per expert.
#version 460
#include "Common/buffers.glsl"
BUFFER(0, readonly, uint, Experts, experts)
BUFFER(1, writeonly, uint, Counts, counts)
CONSTANTS(ADDRESS(Experts, experts) ADDRESS(Counts, counts) uint expert_count; uint pairs;)
layout(local_size_x_id = 0) in;

void main() {
  const uint e = gl_GlobalInvocationID.x;
  if (e >= expert_count) return;
  uint count = 0;
  for (uint p = 0; p < pairs; p++) {
    const uint expert = experts.v[p];
    if (expert == e || (e == 0 && expert >= expert_count)) count++;
  }
  counts.v[e] = count;
}
