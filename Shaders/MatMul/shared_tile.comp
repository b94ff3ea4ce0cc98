// y[j, i] (+)= Σ_l weight[i, l] · x[j, l] (+ bias[i]): tiles of both matrices in shared memory, tiles of sums in registers.
//
// With EXPERTS the columns of a y group and their weight are those that Common/columns.glsl says.
//
// A workgroup of 128 threads computes 64 rows (x groups) times 16 · THREAD_COLUMNS columns (y groups; 1, 2 or 4); per step of 32
// elements of k it loads and decodes both tiles, then every thread adds to 8 rows × THREAD_COLUMNS columns. Any shape, any
// subgroup size.
//
// Loading: eight neighbouring threads read eight neighbouring elements, each for four rows, and store those four as one vec4.
// A line of a tile is an odd number of vec4 long, so that the eight stores, as the reads along a line, hit different banks.
#version 460
#extension GL_EXT_control_flow_attributes : require
#include "Common/buffers.glsl"
BUFFER(0, readonly, uint, Weight, weight)
BUFFER(1, readonly, float, Input, x)
BUFFER(2, readonly, float, Bias, bias)
BUFFER(3, readwrite, float, Output, y)
#include "Common/columns.glsl"
#define LATTICE_BINDING AFTER_COLUMNS
#include "Common/lattice_buffer.glsl"
CONSTANTS(ADDRESS(Weight, weight) ADDRESS(Input, x) ADDRESS(Bias, bias) ADDRESS(Output, y) COLUMNS_ADDRESS LATTICE_ADDRESS
          uint m; uint n; uint k; uint flags; COLUMNS_CONSTANTS)
layout(local_size_x = 128) in;

#define WEIGHT_LOAD(i) weight.v[i]
#define WEIGHT_ROWS TOTAL_ROWS
#define WEIGHT_COLUMNS k
#include "Common/weights.glsl"
#ifdef EXPERTS
#include "ExpertMatMul/route.glsl"
#endif

const uint THREADS = 128;
const uint ROWS = 64, COLUMNS = 16 * THREAD_COLUMNS;  // of a workgroup
const uint DEPTH = 32;                                // elements of k in one step
const uint WEIGHT_LINE = ROWS / 4 + 1, X_LINE = COLUMNS / 4 + 1;
shared vec4 weight_tile[DEPTH * WEIGHT_LINE];
shared vec4 x_tile[DEPTH * X_LINE];

void main() {
#ifdef EXPERTS
  if (!route()) return;
  const uint column0 = 0, columns = column_count;
#else
  const uint column0 = gl_WorkGroupID.y * COLUMNS, columns = n;
#endif
  const uint thread = gl_LocalInvocationID.x;
  const uint row0 = gl_WorkGroupID.x * ROWS;
  // What this thread computes: rows 4·row_quad… and 32 + 4·row_quad…, columns first_column….
  const uint row_quad = thread % 8, first_column = thread / 8 * THREAD_COLUMNS;

  vec4 sums[THREAD_COLUMNS][2];
  [[unroll]] for (uint j = 0; j < THREAD_COLUMNS; j++) {
    sums[j][0] = vec4(0.0);
    sums[j][1] = vec4(0.0);
  }
  for (uint begin = 0; begin < k; begin += DEPTH) {
    [[unroll]] for (uint i = 0; i < ROWS * DEPTH / 4 / THREADS; i++) {
      const uint quad = thread / 8, l = thread % 8 + 8 * i;
      vec4 values = vec4(0.0);
      if (begin + l < k) {
        [[unroll]] for (uint r = 0; r < 4; r++) values[r] = weight_at(FIRST_ROW + min(row0 + 4 * quad + r, m - 1), begin + l);
      }
      weight_tile[l * WEIGHT_LINE + quad] = values;
    }
    [[unroll]] for (uint i = 0; i < THREAD_COLUMNS; i++) {
      const uint index = thread + THREADS * i;
      const uint quad = index / 8 % (COLUMNS / 4), l = index % 8 + index / (2 * COLUMNS) * 8;
      vec4 values = vec4(0.0);
      if (begin + l < k) {
        [[unroll]] for (uint r = 0; r < 4; r++) {
          values[r] = x.v[COLUMN_X(min(column0 + 4 * quad + r, columns - 1)) + begin + l];
        }
      }
      x_tile[l * X_LINE + quad] = values;
    }
    barrier();
    for (uint l = 0; l < DEPTH; l++) {
      const vec4 w0 = weight_tile[l * WEIGHT_LINE + row_quad], w1 = weight_tile[l * WEIGHT_LINE + ROWS / 8 + row_quad];
#if THREAD_COLUMNS == 4
      const vec4 v = x_tile[l * X_LINE + first_column / 4];
#else
      float v[THREAD_COLUMNS];
      [[unroll]] for (uint j = 0; j < THREAD_COLUMNS; j++) {
        v[j] = x_tile[l * X_LINE + (first_column + j) / 4][(first_column + j) % 4];
      }
#endif
      [[unroll]] for (uint j = 0; j < THREAD_COLUMNS; j++) {
        sums[j][0] = fma(vec4(v[j]), w0, sums[j][0]);
        sums[j][1] = fma(vec4(v[j]), w1, sums[j][1]);
      }
    }
    barrier();
  }
  [[unroll]] for (uint i = 0; i < 8; i++) {
    const uint row = row0 + i / 4 * (ROWS / 2) + row_quad * 4 + i % 4;
    if (row >= m) continue;
    [[unroll]] for (uint j = 0; j < THREAD_COLUMNS; j++) {
      const uint column = column0 + first_column + j;
      if (column >= columns) continue;
      float sum = sums[j][i / 4][i % 4];
      if ((flags & 1) != 0) sum += bias.v[FIRST_ROW + row];
      if ((flags & 2) != 0) sum += y.v[COLUMN_Y(column) + row];
      COLUMN_STORE(column, row, sum);
    }
  }
}
