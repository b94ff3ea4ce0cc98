// y[j, i] (+)= Σ_l weight[i, l] · x[j, l] over a stretch of k, from panels of decoded weights and tiles of x.
//
// One subgroup per workgroup and no shared memory: a subgroup computes TILE_COLUMNS columns (x groups) times
// TILE_ROWS · SUBGROUP_SIZE rows (y groups). A lane holds TILE_COLUMNS × TILE_ROWS sums in registers; per element of k it
// loads its TILE_ROWS weights, and the x values, of which each lane has loaded one stretch, are spread through the subgroup.
// The panels and tiles are padded (see the two packing shaders); only the results need bounds. flags: bit 0, this is the
// first stretch of k: y is overwritten; bit 1, the last one: the bias is added.
//
// Loops over a subgroup's stretch are unrolled in pieces of SPREAD lanes, so that large subgroups do not make huge shaders.
#version 460
#extension GL_EXT_control_flow_attributes : require
#if SPREAD < SUBGROUP_SIZE
#extension GL_KHR_shader_subgroup_shuffle : require
#define LANE_VALUE(value, begin, s) subgroupShuffle(value, (begin) + (s))
#else
#extension GL_KHR_shader_subgroup_ballot : require
#define LANE_VALUE(value, begin, s) subgroupBroadcast(value, s)
#endif
#include "Common/buffers.glsl"
BUFFER(0, readonly, float, Panels, panels)
BUFFER(1, readonly, float, Tiles, tiles)
BUFFER(2, readonly, float, Bias, bias)
BUFFER(3, readwrite, float, Output, y)
CONSTANTS(ADDRESS(Panels, panels) ADDRESS(Tiles, tiles) ADDRESS(Bias, bias) ADDRESS(Output, y) uint m; uint n; uint row_begin;
          uint column_begin; uint k_count; uint flags;)
layout(local_size_x_id = 0) in;

const uint PANEL_ROWS = TILE_ROWS * SUBGROUP_SIZE;

void main() {
  float sums[TILE_COLUMNS][TILE_ROWS];
  [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j++) {
    [[unroll]] for (uint i = 0; i < TILE_ROWS; i++) sums[j][i] = 0.0;
  }
  uint panel = gl_WorkGroupID.y * k_count * PANEL_ROWS + gl_SubgroupInvocationID;
  uint tile = gl_WorkGroupID.x * k_count * TILE_COLUMNS + gl_SubgroupInvocationID;
  for (uint stretch = 0; stretch < k_count; stretch += SUBGROUP_SIZE) {
    float mine[TILE_COLUMNS];
    [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j++) mine[j] = tiles.v[tile + j * SUBGROUP_SIZE];
    tile += TILE_COLUMNS * SUBGROUP_SIZE;
#if SPREAD < SUBGROUP_SIZE
    for (uint begin = 0; begin < SUBGROUP_SIZE; begin += SPREAD)
#endif
    {
      [[unroll]] for (uint s = 0; s < SPREAD; s++) {
        float weights[TILE_ROWS];
        [[unroll]] for (uint i = 0; i < TILE_ROWS; i++) weights[i] = panels.v[panel + s * PANEL_ROWS + i * SUBGROUP_SIZE];
        [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j++) {
          const float value = LANE_VALUE(mine[j], begin, s);
          [[unroll]] for (uint i = 0; i < TILE_ROWS; i++) sums[j][i] = fma(value, weights[i], sums[j][i]);
        }
      }
      panel += SPREAD * PANEL_ROWS;
    }
  }
  const bool is_first = (flags & 1) != 0, is_last = (flags & 2) != 0;
  const uint row = row_begin + gl_WorkGroupID.y * PANEL_ROWS + gl_SubgroupInvocationID;
  const uint column = column_begin + gl_WorkGroupID.x * TILE_COLUMNS;
  [[unroll]] for (uint i = 0; i < TILE_ROWS; i++) {
    const uint r = row + i * SUBGROUP_SIZE;
    if (r >= m) continue;
    const float addend = is_last ? bias.v[r] : 0.0;
    [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j++) {
      if (column + j >= n) continue;
      const uint target = (column + j) * m + r;
      float sum = sums[j][i];
      if (!is_first) sum += y.v[target];
      y.v[target] = is_last ? sum + addend : sum;
    }
  }
}
