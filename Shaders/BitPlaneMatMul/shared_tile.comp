// y[j, i] = Σ_k x[j, k] · w[i, k] by bit planes, for tiles of 64 rows i (x groups) and 16 columns j (y groups).
//
// 128 threads bring DEPTH words of every plane of both tiles into shared memory, then each adds to 2 rows × 4 columns. A warp
// of threads reads consecutive rows and the same columns there. Any subgroup size.
#version 460
#extension GL_EXT_control_flow_attributes : require
#include "BitPlaneMatMul/bit_plane_product.glsl"
layout(local_size_x = 128) in;

const uint THREADS = 128, ROWS = 64, COLUMNS = 16;
const uint THREAD_ROWS = 2, THREAD_COLUMNS = 4;
// [plane][word][row or column]; a pad keeps the loaders, who go along the words, out of each other's banks.
const uint WEIGHT_LINE = ROWS + 1, X_LINE = COLUMNS + 1;
shared uint weight_tile[PLANES_W * DEPTH * WEIGHT_LINE];
shared uint x_tile[PLANES_X * DEPTH * X_LINE];

void main() {
  const uint thread = gl_LocalInvocationID.x;
  const uint row0 = gl_WorkGroupID.x * ROWS, column0 = gl_WorkGroupID.y * COLUMNS;
  const uint my_row = thread % 32, my_column = thread / 32 * THREAD_COLUMNS;
  const uint words = (k + 31) / 32;
  int worth[PLANES_W], sums[THREAD_ROWS][THREAD_COLUMNS];
  [[unroll]] for (uint s = 0; s < PLANES_W; s++) worth[s] = weight_coefficient(s);
  [[unroll]] for (uint r = 0; r < THREAD_ROWS; r++) {
    [[unroll]] for (uint j = 0; j < THREAD_COLUMNS; j++) sums[r][j] = 0;
  }
  for (uint begin = 0; begin < words; begin += DEPTH) {
    // Neighbouring threads read neighbouring words. What is past the end of a row of words counts nothing.
    const uint w = begin + thread % DEPTH;
    for (uint at = thread / DEPTH; at < PLANES_W * ROWS; at += THREADS / DEPTH) {
      const uint plane = at / ROWS, row = at % ROWS;
      uint word = 0;
      if (w < words) word = weight.v[(plane * m + min(row0 + row, m - 1)) * words + w];
      weight_tile[(plane * DEPTH + thread % DEPTH) * WEIGHT_LINE + row] = word;
    }
    for (uint at = thread / DEPTH; at < PLANES_X * COLUMNS; at += THREADS / DEPTH) {
      const uint plane = at / COLUMNS, column = at % COLUMNS;
      uint word = 0;
      if (w < words) word = x.v[(plane * n + min(column0 + column, n - 1)) * words + w];
      x_tile[(plane * DEPTH + thread % DEPTH) * X_LINE + column] = word;
    }
    barrier();
    for (uint d = 0; d < DEPTH; d++) {
      uint rows[PLANES_W][THREAD_ROWS];
      [[unroll]] for (uint s = 0; s < PLANES_W; s++) {
        [[unroll]] for (uint r = 0; r < THREAD_ROWS; r++) {
          rows[s][r] = weight_tile[(s * DEPTH + d) * WEIGHT_LINE + my_row + 32 * r];
        }
      }
      for (uint t = 0; t < PLANES_X; t++) {
        const int times = x_coefficient(t);
        [[unroll]] for (uint j = 0; j < THREAD_COLUMNS; j++) {
          const uint column = x_tile[(t * DEPTH + d) * X_LINE + my_column + j];
          [[unroll]] for (uint r = 0; r < THREAD_ROWS; r++) {
            int sum = 0;
            [[unroll]] for (uint s = 0; s < PLANES_W; s++) sum += worth[s] * bitCount(rows[s][r] & column);
            sums[r][j] += times * sum;
          }
        }
      }
    }
    barrier();
  }
  [[unroll]] for (uint r = 0; r < THREAD_ROWS; r++) {
    const uint i = row0 + my_row + 32 * r;
    [[unroll]] for (uint j = 0; j < THREAD_COLUMNS; j++) {
      const uint column = column0 + my_column + j;
      if (i < m && column < n) store_product(column, i, sums[r][j]);
    }
  }
}
