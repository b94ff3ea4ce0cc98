// f32 numbers of a cache in any format: numbers[r, :] = cache[r, :] for the cells r that are in use.
// One thread per RUN elements, x along a cell, y cells of a head, z key-value heads of the part (see tiles.glsl) in all sequences;
// cells from lengths on are not read.
#version 460
#extension GL_EXT_control_flow_attributes : require
#include "Common/buffers.glsl"
BUFFER(0, readonly, uint, Cache, cache)
BUFFER(1, readonly, int, Lengths, lengths)
BUFFER(2, writeonly, float, Numbers, numbers)
#define LATTICE_BINDING 3
#include "Common/lattice_buffer.glsl"
CONSTANTS(ADDRESS(Cache, cache) ADDRESS(Lengths, lengths) ADDRESS(Numbers, numbers) LATTICE_ADDRESS uint rows; uint columns;
          uint capacity; uint kv_heads; uint first_head; uint part_heads;)
layout(local_size_x_id = 0) in;

#define WEIGHT_LOAD(i) cache.v[i]
#define WEIGHT_ROWS rows
#define WEIGHT_COLUMNS columns
#include "Common/weights.glsl"

#define RUN 8

void main() {
  const uint first = gl_GlobalInvocationID.x * RUN;
  const uint cell = gl_WorkGroupID.y, part_set = gl_WorkGroupID.z;
  const uint set = part_set / part_heads * kv_heads + first_head + part_set % part_heads;
  if (first >= columns || int(cell) >= lengths.v[set]) return;
  const uint row = part_set * capacity + cell;
  [[unroll]] for (uint i = 0; i < RUN; i++) numbers.v[row * columns + first + i] = weight_at(row, first + i);
}
