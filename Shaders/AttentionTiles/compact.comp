// Makes the list of live tiles out of what classify.comp said of each, in place, and counts them.
//
// One subgroup per tile of rows. Lanes take neighbouring key tiles; each finds the place of its own by counting the live
// tiles before it. No lane writes where another has yet to read: all read before any knows where to write, and lists
// only become shorter.
// Preconditions: the workgroup is one subgroup of SUBGROUP lanes (specialization constant 0).
#version 460
#include "Common/buffers.glsl"
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_ballot : require
BUFFER(0, writeonly, int, Counts, counts)
BUFFER(1, readwrite, int, List, list)
CONSTANTS(ADDRESS(Counts, counts) ADDRESS(List, list) uint tiles;)
layout(local_size_x_id = 0) in;

#define FULL_TILE 0x40000000

void main() {
  const uint lane = gl_SubgroupInvocationID;
  const uint row_tile = gl_WorkGroupID.z * gl_NumWorkGroups.y + gl_WorkGroupID.y;
  const uint first = row_tile * tiles;
  uint count = 0;
  for (uint base = 0; base < tiles; base += SUBGROUP) {
    const uint tile = base + lane;
    const int state = tile < tiles ? list.v[first + tile] : 0;
    const uvec4 live = subgroupBallot(state != 0);
    if (state != 0) {
      list.v[first + count + subgroupBallotExclusiveBitCount(live)] = state == 2 ? int(tile) | FULL_TILE : int(tile);
    }
    count += subgroupBallotBitCount(live);
  }
  for (uint place = count + lane; place < tiles; place += SUBGROUP) list.v[first + place] = -1;
  if (lane == 0) counts.v[row_tile] = int(count);
}
