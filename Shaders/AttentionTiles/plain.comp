// The list of live tiles of one tile of rows, by looking at every pair of row and cell. One thread per tile of rows: x the
// tile, y the sequence and key-value head. Plain and slow, for any device.
#version 460
#include "Common/buffers.glsl"
BUFFER(0, readonly, int, Positions, positions)
BUFFER(1, readonly, int, KeyPositions, key_positions)
BUFFER(2, readonly, int, Lengths, lengths)
BUFFER(3, readonly, int, Totals, totals)
BUFFER(4, readonly, uint, MaskWords, mask)
BUFFER(5, writeonly, int, Counts, counts)
BUFFER(6, writeonly, int, List, list)
CONSTANTS(ADDRESS(Positions, positions) ADDRESS(KeyPositions, key_positions) ADDRESS(Lengths, lengths)
          ADDRESS(Totals, totals) ADDRESS(MaskWords, mask) ADDRESS(Counts, counts) ADDRESS(List, list)
          uint tokens; uint kv_heads; uint group; uint capacity; uint rows_per_tile; uint keys_per_tile;)
layout(local_size_x_id = 0) in;

#define MASK_WORD(i) mask.v[i]
#include "Common/mask.glsl"

#define FULL_TILE 0x40000000

void main() {
  const uint rows = tokens * group;
  const uint row_tiles = (rows + rows_per_tile - 1) / rows_per_tile;
  const uint row_tile = gl_GlobalInvocationID.x;
  if (row_tile >= row_tiles) return;
  const uint head = gl_WorkGroupID.y;
  const uint sequence = head / kv_heads;
  const uint end_row = min((row_tile + 1) * rows_per_tile, rows);
  const int length = totals.v[sequence];
  const uint tiles = (capacity + keys_per_tile - 1) / keys_per_tile;
  const uint first = (head * row_tiles + row_tile) * tiles;
  uint count = 0;
  for (uint tile = 0; tile < tiles; tile++) {
    bool some_live = false;
    bool some_dead = false;
    for (uint row = row_tile * rows_per_tile; row < end_row; row++) {
      const int query = positions.v[sequence * tokens + row / group];
      for (uint cell = tile * keys_per_tile; cell < (tile + 1) * keys_per_tile; cell++) {
        const int key = cell < capacity && int(cell) < lengths.v[head] ? key_positions.v[head * capacity + cell] : -1;
        if (query >= 0 && key >= 0 && mask_live(head % kv_heads * group + row % group, query, key, length)) {
          some_live = true;
        } else {
          some_dead = true;
        }
      }
    }
    if (some_live) list.v[first + count++] = some_dead ? int(tile) : int(tile) | FULL_TILE;
  }
  for (uint place = count; place < tiles; place++) list.v[first + place] = -1;
  counts.v[head * row_tiles + row_tile] = int(count);
}
