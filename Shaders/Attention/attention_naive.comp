// y[t, h, d] = Σ_j softmax_j(scale · q[t, h] · k[g, j]) · v[g, j, d] over j ≤ positions[t], j < keys; g = h / group.
// One thread per row (t, h) with an online softmax; the row of y is the accumulator. Plain and slow, for any device.
#version 460
#include "Common/buffers.glsl"
BUFFER(0, readonly, float, Queries, q)
BUFFER(1, readonly, uint, Keys, k)
BUFFER(2, readonly, uint, Values, v)
BUFFER(3, readonly, int, Positions, positions)
BUFFER(4, restrict, float, Output, y)
CONSTANTS(ADDRESS(Queries, q) ADDRESS(Keys, k) ADDRESS(Values, v) ADDRESS(Positions, positions) ADDRESS(Output, y)
          uint tokens; uint heads; uint group; uint head_size; uint keys; uint capacity; float scale;)
layout(local_size_x_id = 0) in;

#ifdef CACHE_F16
#define ELEMENT(buffer, i) unpackHalf2x16(buffer.v[(i) >> 1] >> (((i) & 1u) * 16u)).x
#else
#define ELEMENT(buffer, i) uintBitsToFloat(buffer.v[i])
#endif

void main() {
  const uint h = gl_GlobalInvocationID.x;
  const uint t = gl_WorkGroupID.y;
  if (h >= heads) return;
  const uint row = (t * heads + h) * head_size;
  const uint cells = (h / group) * capacity;
  const uint visible = uint(clamp(positions.v[t] + 1, 0, int(keys)));
  float largest = uintBitsToFloat(0xff800000u);
  float total = 0.0;
  for (uint d = 0; d < head_size; d++) y.v[row + d] = 0.0;
  for (uint j = 0; j < visible; j++) {
    const uint cell = (cells + j) * head_size;
    float score = 0.0;
    for (uint d = 0; d < head_size; d++) score = fma(q.v[row + d], ELEMENT(k, cell + d), score);
    score *= scale;
    const float raised = max(largest, score);
    const float kept = exp(largest - raised);
    const float weight = exp(score - raised);
    for (uint d = 0; d < head_size; d++) y.v[row + d] = fma(weight, ELEMENT(v, cell + d), y.v[row + d] * kept);
    total = total * kept + weight;
    largest = raised;
  }
  if (visible > 0) {
    for (uint d = 0; d < head_size; d++) y.v[row + d] /= total;
  }
}
