// The least and the greatest position of the keys in each tile of the cache, and whether the tile has holes: cells that
// are empty or lie past the end.
//
// One thread per tile: x the tile, y the sequence and key-value head. Three numbers for each tile: least, greatest, 1 if
// it has holes. A tile without keys has a least position above its greatest.
#version 460
#include "Common/buffers.glsl"
BUFFER(0, readonly, int, KeyPositions, key_positions)
BUFFER(1, readonly, int, Lengths, lengths)
BUFFER(2, writeonly, int, KeyTiles, key_tiles)
CONSTANTS(ADDRESS(KeyPositions, key_positions) ADDRESS(Lengths, lengths) ADDRESS(KeyTiles, key_tiles)
          uint capacity; uint keys_per_tile; uint tiles;)
layout(local_size_x_id = 0) in;

void main() {
  const uint tile = gl_GlobalInvocationID.x;
  if (tile >= tiles) return;
  const uint head = gl_WorkGroupID.y;
  const uint in_use = uint(clamp(lengths.v[head], 0, int(capacity)));
  const uint first = tile * keys_per_tile;
  const uint end = min(first + keys_per_tile, in_use);
  int least = 0x7fffffff;
  int greatest = -1;
  int holes = end < first + keys_per_tile ? 1 : 0;
  for (uint cell = first; cell < end; cell++) {
    const int key = key_positions.v[head * capacity + cell];
    if (key < 0) {
      holes = 1;
    } else {
      least = min(least, key);
      greatest = max(greatest, key);
    }
  }
  const uint target = (head * tiles + tile) * 3;
  key_tiles.v[target] = least;
  key_tiles.v[target + 1] = greatest;
  key_tiles.v[target + 2] = holes;
}
