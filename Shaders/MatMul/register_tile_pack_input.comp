// Copies columns column_begin… and elements k_begin… of x into tiles for register_tile.comp: tile t holds, for each stretch of
// SUBGROUP_SIZE elements, that stretch of TILE_COLUMNS neighbouring columns one after the other. Beyond the end of a column
// come zeros, and beyond the last column that column again, so that the multiplication needs no bounds.
//
// Workgroups of one subgroup's size, one thread per element of TILE_COLUMNS columns: x groups along stretches, y along tiles.
#version 460
#extension GL_EXT_control_flow_attributes : require
#include "Common/buffers.glsl"
BUFFER(0, readonly, float, Input, x)
BUFFER(1, writeonly, float, Tiles, tiles)
CONSTANTS(ADDRESS(Input, x) ADDRESS(Tiles, tiles) uint n; uint k; uint column_begin; uint k_begin; uint k_count;)
layout(local_size_x_id = 0) in;

void main() {
  const uint l = k_begin + gl_GlobalInvocationID.x;
  const uint column = column_begin + gl_WorkGroupID.y * TILE_COLUMNS;
  const uint target =
    (gl_WorkGroupID.y * k_count + gl_WorkGroupID.x * SUBGROUP_SIZE) * TILE_COLUMNS + gl_LocalInvocationID.x;
  [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j++) {
    tiles.v[target + j * SUBGROUP_SIZE] = l < k ? x.v[min(column + j, n - 1) * k + l] : 0.0;
  }
}
