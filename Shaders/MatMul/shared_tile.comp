// y[j, i] = Σ_l weight[i, l] · x[j, l] (+ bias[i]): tiles of both matrices in shared memory, tiles of sums in registers.
//
// A workgroup of 128 threads computes 64 rows (x groups) times 64 columns (y groups); per step of 32 elements of k it loads
// and decodes both tiles, then every thread adds to 8 rows × 4 columns. Any shape, any subgroup size.
//
// Loading: eight neighbouring threads read eight neighbouring elements, each for four rows, and store those four as one vec4.
// A line of the tiles is 17 vec4 long, so that the eight stores, as the reads along a line, hit different banks.
#version 460
#extension GL_EXT_control_flow_attributes : require
#include "Common/buffers.glsl"
BUFFER(0, readonly, uint, Weight, weight)
BUFFER(1, readonly, float, Input, x)
BUFFER(2, readonly, float, Bias, bias)
BUFFER(3, writeonly, float, Output, y)
CONSTANTS(ADDRESS(Weight, weight) ADDRESS(Input, x) ADDRESS(Bias, bias) ADDRESS(Output, y) uint m; uint n; uint k; uint has_bias;)
layout(local_size_x = 128) in;

#define WEIGHT_WORD(i) weight.v[i]
#include "Common/weights.glsl"

const uint TILE = 64;   // rows and columns of a workgroup
const uint DEPTH = 32;  // elements of k in one step
const uint LINE = TILE / 4 + 1;
shared vec4 weight_tile[DEPTH * LINE];
shared vec4 x_tile[DEPTH * LINE];

void main() {
  const uint thread = gl_LocalInvocationID.x;
  const uint row0 = gl_WorkGroupID.x * TILE, column0 = gl_WorkGroupID.y * TILE;

  // What this thread loads: elements load_l, load_l + 8, … of rows (columns) load_r to load_r + 3 of the tile.
  const uint load_l = thread % 8, load_r = thread / 8 * 4;
  // What it computes: rows 4·row_quad… and 32 + 4·row_quad…, columns 4·column_quad….
  const uint row_quad = thread % 8, column_quad = thread / 8;

  vec4 sums[4][2];
  [[unroll]] for (uint j = 0; j < 4; j++) {
    sums[j][0] = vec4(0.0);
    sums[j][1] = vec4(0.0);
  }
  for (uint begin = 0; begin < k; begin += DEPTH) {
    [[unroll]] for (uint step = 0; step < DEPTH; step += 8) {
      const uint l = begin + step + load_l;
      vec4 w = vec4(0.0), v = vec4(0.0);
      if (l < k) {
        [[unroll]] for (uint r = 0; r < 4; r++) {
          w[r] = weight_at(min(row0 + load_r + r, m - 1), l, k);
          v[r] = x.v[min(column0 + load_r + r, n - 1) * k + l];
        }
      }
      const uint target = (step + load_l) * LINE + thread / 8;
      weight_tile[target] = w;
      x_tile[target] = v;
    }
    barrier();
    for (uint l = 0; l < DEPTH; l++) {
      const vec4 w0 = weight_tile[l * LINE + row_quad], w1 = weight_tile[l * LINE + TILE / 8 + row_quad];
      const vec4 v = x_tile[l * LINE + column_quad];
      [[unroll]] for (uint j = 0; j < 4; j++) {
        sums[j][0] = fma(vec4(v[j]), w0, sums[j][0]);
        sums[j][1] = fma(vec4(v[j]), w1, sums[j][1]);
      }
    }
    barrier();
  }
  [[unroll]] for (uint half_tile = 0; half_tile < 2; half_tile++) {
    [[unroll]] for (uint r = 0; r < 4; r++) {
      const uint row = row0 + half_tile * (TILE / 2) + row_quad * 4 + r;
      if (row >= m) continue;
      const float addend = has_bias != 0 ? bias.v[row] : 0.0;
      [[unroll]] for (uint j = 0; j < 4; j++) {
        const uint column = column0 + column_quad * 4 + j;
        if (column >= n) continue;
        const float sum = sums[j][half_tile][r];
        y.v[column * m + row] = has_bias != 0 ? sum + addend : sum;
      }
    }
  }
}
