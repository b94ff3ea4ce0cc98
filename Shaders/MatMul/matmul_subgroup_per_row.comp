// y[j, i] (+)= Σ_k weight[i, k] · x[j, k] (+ bias[i]) for COLUMNS columns j at once; with EXPERTS the columns and the weight that
// Common/columns.glsl says, which differ by y groups.
//
// A subgroup of SUBGROUP lanes owns ROWS consecutive rows; specialization constant 0 is the size of the workgroup, a whole
// number of subgroups. Lane l takes elements 8l … 8l + 7, then those 8 · SUBGROUP further on, so that the lanes together read
// consecutive memory, and uses what it loads of x for all rows. subgroupAdd makes one sum of the lanes' sums. The order of each
// sum depends on neither ROWS nor COLUMNS.
//
// Preconditions: subgroups are full.
#version 460
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#include "Common/buffers.glsl"
BUFFER(0, readonly, uint, Weight, weight)
BUFFER(1, readonly, float, Input, x)
// Without a bias its binding is never read.
BUFFER(2, readonly, float, Bias, bias)
BUFFER(3, readwrite, float, Output, y)
#include "Common/columns.glsl"
#define LATTICE_BINDING AFTER_COLUMNS
#include "Common/lattice_buffer.glsl"
CONSTANTS(ADDRESS(Weight, weight) ADDRESS(Input, x) ADDRESS(Bias, bias) ADDRESS(Output, y) COLUMNS_ADDRESS LATTICE_ADDRESS
          uint m; uint k; uint flags; COLUMNS_CONSTANTS)
layout(local_size_x_id = 0) in;

#define WEIGHT_LOAD(i) weight.v[i]
#define WEIGHT_ROWS TOTAL_ROWS
#define WEIGHT_COLUMNS k
#include "Common/weights.glsl"
#ifdef EXPERTS
#include "ExpertMatMul/route.glsl"
#endif

// Elements that a lane takes at once; groups with one scale are as long or longer.
#define SPAN 8

float sums[ROWS][COLUMNS];

void add_span(uint first, uint column) {
  const uint step = column / WEIGHT_STEP, begin = column % WEIGHT_STEP;
  float values[COLUMNS][SPAN];
  [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
    [[unroll]] for (uint i = 0; i < SPAN; i++) values[j][i] = x.v[COLUMN_X(j) + column + i];
  }
  weight_step = step;
  [[unroll]] for (uint r = 0; r < ROWS; r++) {
    // Rows past the end repeat the last one.
    weight_row = FIRST_ROW + min(first + r, m - 1);
    const uint g = begin / WEIGHT_GROUP_ELEMENTS;
    const float scale = weight_scale(step, g), offset = weight_offset(step, g);
    float parts[COLUMNS];
    [[unroll]] for (uint i = 0; i < SPAN; i++) {
#ifdef WEIGHT_OFFSETS
      const float value = weight_from(weight_code(step, begin + i), scale, offset);
#else
      const float value = weight_code(step, begin + i);
#endif
      [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
        parts[j] = i == 0 ? value * values[j][i] : fma(value, values[j][i], parts[j]);
      }
    }
#if defined(WEIGHT_SCALED) && !defined(WEIGHT_OFFSETS)
    [[unroll]] for (uint j = 0; j < COLUMNS; j++) sums[r][j] = fma(scale, parts[j], sums[r][j]);
#else
    [[unroll]] for (uint j = 0; j < COLUMNS; j++) sums[r][j] += parts[j];
#endif
  }
}

void main() {
#ifdef EXPERTS
  if (!route()) return;
#endif
  const uint lane = gl_SubgroupInvocationID;
  const uint first = (gl_WorkGroupID.x * gl_NumSubgroups + gl_SubgroupID) * ROWS;
  if (first >= m) return;
  [[unroll]] for (uint r = 0; r < ROWS; r++) {
    [[unroll]] for (uint j = 0; j < COLUMNS; j++) sums[r][j] = 0.0;
  }
  const uint whole = k / SPAN * SPAN;
  for (uint column = lane * SPAN; column < whole; column += SPAN * SUBGROUP) add_span(first, column);
#ifdef WEIGHT_NUMBER_BYTES
  // Plain numbers may end anywhere: a lane for each of the last ones.
  for (uint column = whole + lane; column < k; column += SUBGROUP) {
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
      const float value = weight_at(FIRST_ROW + min(first + r, m - 1), column);
      [[unroll]] for (uint j = 0; j < COLUMNS; j++) sums[r][j] = fma(value, x.v[COLUMN_X(j) + column], sums[r][j]);
    }
  }
#endif
  [[unroll]] for (uint r = 0; r < ROWS; r++) {
    [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
      float sum = subgroupAdd(sums[r][j]);
      if (lane != 0 || first + r >= m) continue;
      if ((flags & 1) != 0) sum += bias.v[FIRST_ROW + first + r];
      if ((flags & 2) != 0) sum += y.v[COLUMN_Y(j) + first + r];
      COLUMN_STORE(j, first + r, sum);
    }
  }
}
