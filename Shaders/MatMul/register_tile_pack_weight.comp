// Decodes rows row_begin… and elements k_begin… of the weight into f32 panels for register_tile.comp: panel p holds, for each
// of k_count elements, PANEL_ROWS neighbouring rows side by side. k_begin is a multiple of all formats' steps, k_count of 32;
// beyond the end of a row come zeros, and beyond the last row that row again, so that the multiplication needs no bounds.
//
// Workgroups of one subgroup's size, one thread per row and step of the format: x groups along rows, y groups along runs of 32
// elements, of which those that begin no step have nothing to do.
#version 460
#extension GL_EXT_control_flow_attributes : require
#include "Common/buffers.glsl"
BUFFER(0, readonly, uint, Weight, weight)
BUFFER(1, writeonly, float, Panels, panels)
#define LATTICE_BINDING 2
#include "Common/lattice_buffer.glsl"
CONSTANTS(ADDRESS(Weight, weight) ADDRESS(Panels, panels) LATTICE_ADDRESS uint m; uint k; uint row_begin; uint k_begin; uint k_count;)
layout(local_size_x_id = 0) in;

#define WEIGHT_BY_STEPS
#define WEIGHT_LOAD(i) weight.v[i]
#define WEIGHT_ROWS m
#define WEIGHT_COLUMNS k
#include "Common/weights.glsl"

uint weight_load(uint piece, uint step, uint i) {
  const uint first = (weight_row_start(piece, weight_row) + weight_step_start(piece, step)) / (4 / WEIGHT_UNIT);
  return weight.v[first + i * WEIGHT_STRIDE(piece)];
}
uint weight_skipped(uint piece, uint step) {
  return (weight_row_start(piece, weight_row) + weight_step_start(piece, step)) % (4 / WEIGHT_UNIT) * WEIGHT_UNIT;
}

#include "Common/weight_step.glsl"

void main() {
  const uint r = gl_GlobalInvocationID.x;
  const uint first = gl_WorkGroupID.y * 32;
  if (first % WEIGHT_STEP != 0) return;
  weight_row = min(row_begin + r, m - 1);
  uint target = (r / PANEL_ROWS * k_count + first) * PANEL_ROWS + r % PANEL_ROWS;
  const uint column = k_begin + first;
  if (column + WEIGHT_STEP <= k) {
    const uint step = column / WEIGHT_STEP;
    weight_load_step(step, 0);
    [[unroll]] for (uint g = 0; g < WEIGHT_GROUPS; g++) {
      const float scale = weight_scale(step, g), offset = weight_offset(step, g);
      [[unroll]] for (uint i = 0; i < WEIGHT_GROUP_ELEMENTS; i++) {
        const uint e = g * WEIGHT_GROUP_ELEMENTS + i;
        panels.v[target + e * PANEL_ROWS] = weight_from(weight_code(step, e), scale, offset);
      }
    }
    return;
  }
  // The end of a row of plain numbers, or what lies beyond.
  const uint count = min(WEIGHT_STEP, k_count - first);
  for (uint e = 0; e < count; e++) {
    float value = 0.0;
#ifdef WEIGHT_NUMBER_BYTES
    if (column + e < k) value = weight_plain(weight_row * k + column + e);
#endif
    panels.v[target + e * PANEL_ROWS] = value;
  }
}
