// Decodes rows row_begin… and elements k_begin… of the weight into f32 panels for register_tile.comp: panel p holds, for each
// of k_count elements, PANEL_ROWS neighbouring rows side by side. k_count is a multiple of 32; beyond the end of a row come
// zeros, and beyond the last row that row again, so that the multiplication needs no bounds.
//
// Workgroups of one subgroup's size, one thread per row and run of 32 elements: x groups along rows, y groups along runs.
#version 460
#extension GL_EXT_control_flow_attributes : require
#include "Common/buffers.glsl"
BUFFER(0, readonly, uint, Weight, weight)
BUFFER(1, writeonly, float, Panels, panels)
CONSTANTS(ADDRESS(Weight, weight) ADDRESS(Panels, panels) uint m; uint k; uint row_begin; uint k_begin; uint k_count;)
layout(local_size_x_id = 0) in;

#define WEIGHT_WORD(i) weight.v[i]
#include "Common/weights.glsl"
#include "Common/weight_run.glsl"

void main() {
  const uint r = gl_GlobalInvocationID.x;
  const uint first = gl_WorkGroupID.y * WEIGHT_RUN;
  float values[WEIGHT_RUN];
  if (k_begin + first < k) {
    weight_run(min(row_begin + r, m - 1), k_begin + first, k, values);
  } else {
    [[unroll]] for (uint i = 0; i < WEIGHT_RUN; i++) values[i] = 0.0;
  }
  const uint target = (r / PANEL_ROWS * k_count + first) * PANEL_ROWS + r % PANEL_ROWS;
  [[unroll]] for (uint i = 0; i < WEIGHT_RUN; i++) panels.v[target + i * PANEL_ROWS] = values[i];
}
