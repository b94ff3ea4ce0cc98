// What each tile of rows × cells is to attention: 0 dead, 1 partly live, 2 full, written to `list` in the order of tiles.
//
// One subgroup per (run of key tiles, tile of rows, sequence and key-value head). Each lane asks the mask about a tile of
// its own, by the bounds of positions (mask_tile); tiles that this leaves undecided all lanes look at together, lane by
// cell, until a live pair and a dead one are found.
// Preconditions: the workgroup is one subgroup of SUBGROUP lanes (specialization constant 0); key_bounds.comp wrote
// `key_tiles`.
#version 460
#include "Common/buffers.glsl"
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_vote : require
#extension GL_KHR_shader_subgroup_ballot : require
#extension GL_KHR_shader_subgroup_arithmetic : require
BUFFER(0, readonly, int, Positions, positions)
BUFFER(1, readonly, int, KeyPositions, key_positions)
BUFFER(2, readonly, int, Lengths, lengths)
BUFFER(3, readonly, int, Totals, totals)
BUFFER(4, readonly, uint, MaskWords, mask)
BUFFER(5, readonly, int, KeyTiles, key_tiles)
BUFFER(6, writeonly, int, List, list)
CONSTANTS(ADDRESS(Positions, positions) ADDRESS(KeyPositions, key_positions) ADDRESS(Lengths, lengths)
          ADDRESS(Totals, totals) ADDRESS(MaskWords, mask) ADDRESS(KeyTiles, key_tiles) ADDRESS(List, list)
          uint tokens; uint kv_heads; uint group; uint capacity; uint rows_per_tile; uint keys_per_tile; uint run;)
layout(local_size_x_id = 0) in;

#define MASK_WORD(i) mask.v[i]
#include "Common/mask.glsl"

// The least and the greatest position of tokens, padding left out; the former is above the latter if there are none.
void query_bounds(uint sequence, uint first, uint end, out int q0, out int q1) {
  q0 = 0x7fffffff;
  q1 = -1;
  for (uint token = first + gl_SubgroupInvocationID; token < end; token += SUBGROUP) {
    const int position = positions.v[sequence * tokens + token];
    if (position >= 0) {
      q0 = min(q0, position);
      q1 = max(q1, position);
    }
  }
  q0 = subgroupMin(q0);
  q1 = subgroupMax(q1);
}

// MASK_SOME_LIVE and MASK_SOME_DEAD of a tile, looked at pair by pair; what is `found` already is not looked for.
uint look(uint sequence, uint kv_head, uint first_row, uint end_row, uint tile, uint found, int length) {
  const uint cells = (sequence * kv_heads + kv_head) * capacity;
  const uint in_use = uint(clamp(lengths.v[sequence * kv_heads + kv_head], 0, int(capacity)));
  const uint end = min((tile + 1) * keys_per_tile, in_use);
  for (uint row = first_row; row < end_row; row++) {
    const int query = positions.v[sequence * tokens + row / group];
    if (query < 0) continue;
    for (uint base = tile * keys_per_tile; base < end; base += SUBGROUP) {
      const uint cell = base + gl_SubgroupInvocationID;
      const int key = cell < end ? key_positions.v[cells + cell] : -1;
      const bool live = key >= 0 && mask_live(kv_head * group + row % group, query, key, length);
      if (subgroupAny(live)) found |= MASK_SOME_LIVE;
      if (subgroupAny(key >= 0 && !live)) found |= MASK_SOME_DEAD;
      if (found == (MASK_SOME_LIVE | MASK_SOME_DEAD)) return found;
    }
  }
  return found;
}

void main() {
  const uint lane = gl_SubgroupInvocationID;
  const uint sequence = gl_WorkGroupID.z / kv_heads;
  const uint kv_head = gl_WorkGroupID.z % kv_heads;
  const uint first_row = gl_WorkGroupID.y * rows_per_tile;
  const uint end_row = min(first_row + rows_per_tile, tokens * group);
  const uint tiles = (capacity + keys_per_tile - 1) / keys_per_tile;
  const uint end_tile = min((gl_WorkGroupID.x + 1) * run, tiles);
  const int length = totals.v[sequence];

  const uint first_token = first_row / group;
  const uint end_token = (end_row - 1) / group + 1;
  bool padded = false;
  for (uint token = first_token + lane; token < end_token; token += SUBGROUP) {
    padded = padded || positions.v[sequence * tokens + token] < 0;
  }
  padded = subgroupAny(padded);

  MaskBox box;
  query_bounds(sequence, first_token, end_token, box.q0, box.q1);
  for (uint base = gl_WorkGroupID.x * run; base < end_tile; base += SUBGROUP) {
    const uint tile = base + lane;
    const bool mine = tile < end_tile;
    const uint bounds = (gl_WorkGroupID.z * tiles + min(tile, tiles - 1)) * 3;
    box.k0 = key_tiles.v[bounds];
    box.k1 = key_tiles.v[bounds + 1];
    uint found = padded || key_tiles.v[bounds + 2] != 0 ? MASK_SOME_DEAD : 0u;
    bool decided = true;
#ifdef MASK_DEPENDS_ON_HEAD
    for (uint head = 0; head < group; head++) {
      // The tokens whose row for this head is in the tile.
      query_bounds(
          sequence, (first_row + group - 1 - head) / group, (end_row + group - 1 - head) / group, box.q0, box.q1);
#else
    const uint head = 0;
    {
#endif
      if (box.q0 <= box.q1 && box.k0 <= box.k1) {
        const uint known = mask_tile(kv_head * group + head, box, length);
        found |= known & (MASK_SOME_LIVE | MASK_SOME_DEAD);
        decided = decided && (known & MASK_DECIDED) != 0;
      }
    }
    const bool open = mine && !decided && found != (MASK_SOME_LIVE | MASK_SOME_DEAD);
    uvec4 waiting = subgroupBallot(open);
    for (uint i = 0; i < SUBGROUP; i++) {
      if (!subgroupBallotBitExtract(waiting, i)) continue;
      const uint seen =
          look(sequence, kv_head, first_row, end_row, base + i, subgroupBroadcast(found, i), length);
      if (lane == i) found = seen;
    }
    if (mine) {
      list.v[(gl_WorkGroupID.z * gl_NumWorkGroups.y + gl_WorkGroupID.y) * tiles + tile] =
          (found & MASK_SOME_LIVE) == 0 ? 0 : (found & MASK_SOME_DEAD) == 0 ? 2 : 1;
    }
  }
}
