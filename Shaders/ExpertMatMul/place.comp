// Makes the tiles that ExpertMatMul/route.glsl reads: the pairs of each expert in their order, in tiles of TILE_COLUMNS, the last
// of an expert shorter; what is left of the tiles is empty. One thread per expert, and one for what is left.
#version 460
#include "Common/buffers.glsl"
BUFFER(0, readonly, uint, Experts, experts)
BUFFER(1, readonly, uint, Counts, counts)
BUFFER(2, writeonly, uint, Routes, routes)
CONSTANTS(ADDRESS(Experts, experts) ADDRESS(Counts, counts) ADDRESS(Routes, routes) uint expert_count; uint pairs; uint tiles;)
layout(local_size_x_id = 0) in;

void main() {
  const uint e = gl_GlobalInvocationID.x;
  if (e > expert_count) return;
  uint first = 0, tile = 0;
  for (uint other = 0; other < e; other++) {
    first += counts.v[other];
    tile += (counts.v[other] + TILE_COLUMNS - 1) / TILE_COLUMNS;
  }
  if (e == expert_count) {
    for (; tile < tiles; tile++) {
      routes.v[3 * tile] = 0;
      routes.v[3 * tile + 1] = 0;
      routes.v[3 * tile + 2] = 0;
    }
    return;
  }
  const uint count = counts.v[e];
  for (uint start = 0; start < count; start += TILE_COLUMNS) {
    routes.v[3 * tile] = e;
    routes.v[3 * tile + 1] = first + start;
    routes.v[3 * tile + 2] = min(count - start, TILE_COLUMNS);
    tile++;
  }
  uint entry = 3 * tiles + first;
  for (uint p = 0; p < pairs; p++) {
    const uint expert = experts.v[p];
    if (expert == e) {
      routes.v[entry] = p;
      entry++;
    } else if (e == 0 && expert >= expert_count) {
      routes.v[entry] = p | 0x80000000u;
      entry++;
    }
  }
}
