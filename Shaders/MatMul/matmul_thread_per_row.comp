// y[j, i] (+)= Σ_k weight[i, k] · x[j, k] (+ bias[i]) for COLUMNS columns j at once; with EXPERTS the columns and the weight that
// Common/columns.glsl says, which differ by y groups.
//
// A lane owns a row; a workgroup is one subgroup of LANES lanes. Rows are walked in steps of the format, whose weights are
// read and decoded once for all columns. Nothing is shared or reduced, and the order of each sum depends on neither COLUMNS
// nor how memory is read:
// - UNIFORM_LOADS: every load is from an address that all lanes share, and each lane keeps the word of its own row. For
//   drivers of CPUs that load such a word once and spread it, for which a gather costs more than LANES loads.
// - otherwise: each lane reads its own row; the lanes together load a run of each column of x, one element each, and get
//   every element by broadcast.
//
// WEIGHT_ROWS_ALIGNED: all rows begin at whole 32-bit words, which makes most shifts constants.
// Preconditions: LANES is a power of two of at most 64; subgroups are full.
#version 460
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#ifndef UNIFORM_LOADS
#extension GL_KHR_shader_subgroup_ballot : require
#endif
#ifdef WEIGHT_LEVEL_LANES
#extension GL_KHR_shader_subgroup_shuffle : require
#endif
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
layout(local_size_x = LANES) in;

#define WEIGHT_BY_STEPS
#define WEIGHT_LOAD(i) weight.v[i]
#define WEIGHT_ROWS TOTAL_ROWS
#define WEIGHT_COLUMNS k
#include "Common/weights.glsl"
#ifdef EXPERTS
#include "ExpertMatMul/route.glsl"
#endif

// Pieces in sections of their own begin their rows at places of their own.
#ifdef WEIGHT_BLOCK
#define STREAMS 1
#define STREAM(piece) 0
#else
#define STREAMS WEIGHT_PIECES
#define STREAM(piece) piece
#endif

// Where this lane's row begins in each stream, in units.
uint row_starts[STREAMS];

#ifdef UNIFORM_LOADS
uint all_starts[STREAMS][LANES];

void begin_rows(uint first, uint row) {
  [[unroll]] for (uint s = 0; s < STREAMS; s++) {
    row_starts[s] = weight_row_start(s, FIRST_ROW + row);
    [[unroll]] for (uint l = 0; l < LANES; l++) all_starts[s][l] = weight_row_start(s, FIRST_ROW + min(first + l, m - 1));
  }
}

uint weight_load(uint piece, uint step, uint i) {
  const uint lane = gl_SubgroupInvocationID, start = weight_step_start(piece, step);
  uint word = weight.v[(all_starts[STREAM(piece)][0] + start) / (4 / WEIGHT_UNIT) + i * WEIGHT_STRIDE(piece)];
  [[unroll]] for (uint l = 1; l < LANES; l++) {
    const uint other = weight.v[(all_starts[STREAM(piece)][l] + start) / (4 / WEIGHT_UNIT) + i * WEIGHT_STRIDE(piece)];
    word = lane == l ? other : word;
  }
  return word;
}
#else
void begin_rows(uint first, uint row) {
  [[unroll]] for (uint s = 0; s < STREAMS; s++) row_starts[s] = weight_row_start(s, FIRST_ROW + row);
}

uint weight_load(uint piece, uint step, uint i) {
  const uint first = (row_starts[STREAM(piece)] + weight_step_start(piece, step)) / (4 / WEIGHT_UNIT);
  return weight.v[first + i * WEIGHT_STRIDE(piece)];
}
#endif

uint weight_skipped(uint piece, uint step) {
  return (row_starts[STREAM(piece)] + weight_step_start(piece, step)) % (4 / WEIGHT_UNIT) * WEIGHT_UNIT;
}

#include "Common/weight_step.glsl"

// Steps that are unrolled together: with them the alignment of every step is known.
#if defined(WEIGHT_ROWS_ALIGNED) && WEIGHT_PERIOD > 0
#define CHUNK_STEPS WEIGHT_PERIOD
#else
#define CHUNK_STEPS 1
#endif
#define CHUNK (CHUNK_STEPS * WEIGHT_STEP)
// Elements of x that are loaded together.
#if CHUNK % 64 == 0
#define RUN 64
#else
#define RUN 32
#endif
// Independent sums, where a chain of multiply-adds would wait for itself.
#ifdef WEIGHT_SCALED
#define CHAINS 2
#else
#define CHAINS 4
#endif

float sums[COLUMNS];
float parts[COLUMNS][CHAINS];

#ifdef UNIFORM_LOADS
void begin_run(uint start) {}

float element(uint j, uint start, uint e) { return x.v[COLUMN_X(j) + start + e]; }
#else
#define RUN_LOADS ((RUN + LANES - 1) / LANES)
// Element e of the run of x is in lane e % LANES of load e / LANES.
float loaded[COLUMNS][RUN_LOADS];

void begin_run(uint start) {
  [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
    [[unroll]] for (uint i = 0; i < RUN_LOADS; i++) {
      uint l = start + i * LANES + gl_SubgroupInvocationID;
#if LANES > RUN
      l = min(l, k - 1);
#endif
      loaded[j][i] = x.v[COLUMN_X(j) + l];
    }
  }
}

float element(uint j, uint start, uint e) { return subgroupBroadcast(loaded[j][e % RUN / LANES], e % LANES); }
#endif

// Adds step `part` of the chunk that begins at element `start`.
void add_step(uint start, uint step, uint part) {
  [[unroll]] for (uint g = 0; g < WEIGHT_GROUPS; g++) {
    const float scale = weight_scale(step, g), offset = weight_offset(step, g);
    [[unroll]] for (uint i = 0; i < WEIGHT_GROUP_ELEMENTS; i++) {
      const uint e = g * WEIGHT_GROUP_ELEMENTS + i;
      const uint at = part * WEIGHT_STEP + e;
      if (at % RUN == 0) begin_run(start + at);
#ifdef WEIGHT_OFFSETS
      const float value = weight_from(weight_code(step, e), scale, offset);
#else
      const float value = weight_code(step, e);
#endif
      [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
        const float other = element(j, start, at);
        const uint chain = i % CHAINS;
#ifdef WEIGHT_SCALED
        parts[j][chain] = i < CHAINS ? value * other : fma(value, other, parts[j][chain]);
#else
        parts[j][chain] = fma(value, other, parts[j][chain]);
#endif
      }
    }
#ifdef WEIGHT_SCALED
    [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
#ifdef WEIGHT_OFFSETS
      sums[j] += parts[j][0] + parts[j][1];
#else
      sums[j] = fma(scale, parts[j][0] + parts[j][1], sums[j]);
#endif
    }
#endif
  }
}

void main() {
#ifdef EXPERTS
  if (!route()) return;
#endif
  const uint first = gl_WorkGroupID.x * LANES;
  // Lanes past the end repeat the last row: broadcasts need every lane.
  const uint row = min(first + gl_SubgroupInvocationID, m - 1);
  weight_row = FIRST_ROW + row;
  begin_rows(first, row);
#ifdef WEIGHT_LEVEL_LANES
  weight_load_levels();
#endif
  [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
    sums[j] = 0.0;
    [[unroll]] for (uint a = 0; a < CHAINS; a++) parts[j][a] = 0.0;
  }
  const uint whole = k / CHUNK * CHUNK;
  for (uint start = 0; start < whole; start += CHUNK) {
    const uint step = start / WEIGHT_STEP;
#if defined(WEIGHT_WINDOW) && defined(WEIGHT_ROWS_ALIGNED)
    weight_load_window(step);
#endif
    [[unroll]] for (uint part = 0; part < CHUNK_STEPS; part++) {
#if defined(WEIGHT_WINDOW) && defined(WEIGHT_ROWS_ALIGNED)
      weight_take_step(part);
#else
      weight_load_step(step + part, part);
#endif
      add_step(start, step + part, part);
    }
  }
#ifndef WEIGHT_SCALED
  [[unroll]] for (uint j = 0; j < COLUMNS; j++) sums[j] = (parts[j][0] + parts[j][1]) + (parts[j][2] + parts[j][3]);
#endif
#ifdef WEIGHT_NUMBER_BYTES
  // Plain numbers may end anywhere.
  for (uint l = whole; l < k; l++) {
    const float value = weight_plain(weight_row * k + l);
    [[unroll]] for (uint j = 0; j < COLUMNS; j++) sums[j] = fma(value, x.v[COLUMN_X(j) + l], sums[j]);
  }
#endif
  if (first + gl_SubgroupInvocationID >= m) return;
  [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
    float result = sums[j];
    if ((flags & 1) != 0) result += bias.v[FIRST_ROW + row];
    if ((flags & 2) != 0) result += y.v[COLUMN_Y(j) + row];
    COLUMN_STORE(j, row, result);
  }
}
