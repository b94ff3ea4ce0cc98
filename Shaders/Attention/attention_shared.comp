// Attention of a tile of TILE_ROWS rows (tokens × the query heads that share a key-value head), with tiles of k and v in
// shared memory.
//
// One workgroup of TILE_ROWS / 2 × COLUMNS threads per (tile of rows, key-value head). Thread (r, c) owns rows r and
// r + TILE_ROWS / 2; of every block of BLOCK keys the scores of keys c, c + COLUMNS, …; and of the sum of values the
// units c, c + COLUMNS, … of 16 bytes as they lie in the cache. One tile buffer holds k, then v. Blocks past the last
// visible key of the tile are not read. Block bounds do not depend on the tile, and a block that a row does not see
// changes no bit of it.
// Preconditions: the workgroup is of THREADS (specialization constant 0); q, k and v are 16-byte aligned.
#version 460
#include "Common/buffers.glsl"
#include "Attention/attention.glsl"
BUFFER_ALIGNED(0, readonly, vec4, Queries, q, 16)
BUFFER_ALIGNED(1, readonly, uvec4, Keys, k, 16)
BUFFER_ALIGNED(2, readonly, uvec4, Values, v, 16)
BUFFER(3, readonly, int, Positions, positions)
BUFFER(4, writeonly, float, Output, y)
CONSTANTS(ADDRESS(Queries, q) ADDRESS(Keys, k) ADDRESS(Values, v) ADDRESS(Positions, positions) ADDRESS(Output, y)
          uint tokens; uint heads; uint group; uint keys; uint capacity; float scale;)
layout(local_size_x_id = 0) in;

#define THREADS (TILE_ROWS / 2 * COLUMNS)
#define THREAD_KEYS (BLOCK / COLUMNS)
#define THREAD_UNITS ((UNITS + COLUMNS - 1) / COLUMNS)
// One unit more than a cell, and one score more than a block: neighbouring rows begin in different banks.
#define TILE_STRIDE (UNITS + 1)
#define SCORE_STRIDE (BLOCK + 1)

shared uvec4 tile[BLOCK * TILE_STRIDE];
shared float scores[TILE_ROWS * SCORE_STRIDE];
shared float weights[TILE_ROWS * SCORE_STRIDE];
shared uint tile_end;

void main() {
  const uint thread = gl_LocalInvocationID.x;
  const uint column = thread % COLUMNS;
  const uint cells = gl_WorkGroupID.y * capacity;
  const uint all_rows = tokens * group;
  uint row[2], visible[2], local[2];
  bool live[2];
  if (thread == 0) tile_end = 0;
  barrier();
  [[unroll]] for (int r = 0; r < 2; r++) {
    local[r] = thread / COLUMNS + r * (TILE_ROWS / 2);
    // A tile that is not full computes its last row again, and stores it once.
    const uint index = min(gl_WorkGroupID.x * TILE_ROWS + local[r], all_rows - 1);
    live[r] = gl_WorkGroupID.x * TILE_ROWS + local[r] < all_rows;
    row[r] = index / group * heads + gl_WorkGroupID.y * group + index % group;
    visible[r] = visible_keys(positions.v[index / group], keys);
    atomicMax(tile_end, visible[r]);
  }
  barrier();
  const uint end = tile_end;

  float largest[2] = float[2](LOWEST, LOWEST);
  float total[2] = float[2](0.0, 0.0);
  Unit sum[2][THREAD_UNITS];
  [[unroll]] for (int r = 0; r < 2; r++) {
    [[unroll]] for (int i = 0; i < THREAD_UNITS; i++) {
      [[unroll]] for (int part = 0; part < UNIT_PARTS; part++) sum[r][i].part[part] = vec4(0.0);
    }
  }

  for (uint base = 0; base < end; base += BLOCK) {
    // Keys past the end are the last key: no cell that nobody wrote is ever read.
    for (uint i = thread; i < BLOCK * UNITS; i += THREADS) {
      tile[i / UNITS * TILE_STRIDE + i % UNITS] = k.v[(cells + min(base + i / UNITS, end - 1)) * UNITS + i % UNITS];
    }
    barrier();
    float score[2][THREAD_KEYS];
    [[unroll]] for (int i = 0; i < THREAD_KEYS; i++) {
      score[0][i] = 0.0;
      score[1][i] = 0.0;
    }
    for (uint u = 0; u < UNITS; u++) {
      Unit query[2];
      [[unroll]] for (int r = 0; r < 2; r++) {
        [[unroll]] for (int part = 0; part < UNIT_PARTS; part++) {
          query[r].part[part] = q.v[row[r] * (HEAD_SIZE / 4) + u * UNIT_PARTS + part];
        }
      }
      [[unroll]] for (int i = 0; i < THREAD_KEYS; i++) {
        const Unit unit = unpack_unit(tile[(i * COLUMNS + column) * TILE_STRIDE + u]);
        [[unroll]] for (int r = 0; r < 2; r++) {
          [[unroll]] for (int part = 0; part < UNIT_PARTS; part++) {
            score[r][i] = add_dot(query[r].part[part], unit.part[part], score[r][i]);
          }
        }
      }
    }
    [[unroll]] for (int r = 0; r < 2; r++) {
      [[unroll]] for (int i = 0; i < THREAD_KEYS; i++) {
        score[r][i] *= scale;
        scores[local[r] * SCORE_STRIDE + i * COLUMNS + column] = score[r][i];
      }
    }
    // From here on the scores of whole rows are there, and nobody needs the tile of k.
    barrier();
    for (uint i = thread; i < BLOCK * UNITS; i += THREADS) {
      tile[i / UNITS * TILE_STRIDE + i % UNITS] = v.v[(cells + min(base + i / UNITS, end - 1)) * UNITS + i % UNITS];
    }
    [[unroll]] for (int r = 0; r < 2; r++) {
      float raised = largest[r];
      for (uint key = 0; key < BLOCK && base + key < visible[r]; key++) {
        raised = max(raised, scores[local[r] * SCORE_STRIDE + key]);
      }
      const float kept = rescale(largest[r], raised);
      largest[r] = raised;
      total[r] *= kept;
      [[unroll]] for (int i = 0; i < THREAD_UNITS; i++) {
        [[unroll]] for (int part = 0; part < UNIT_PARTS; part++) sum[r][i].part[part] *= kept;
      }
      [[unroll]] for (int i = 0; i < THREAD_KEYS; i++) {
        const uint key = i * COLUMNS + column;
        weights[local[r] * SCORE_STRIDE + key] = base + key < visible[r] ? exp(score[r][i] - raised) : 0.0;
      }
    }
    barrier();
    for (uint key = 0; key < BLOCK; key++) {
      float weight[2];
      [[unroll]] for (int r = 0; r < 2; r++) {
        weight[r] = weights[local[r] * SCORE_STRIDE + key];
        total[r] += weight[r];
      }
      [[unroll]] for (int i = 0; i < THREAD_UNITS; i++) {
        const Unit unit = unpack_unit(tile[key * TILE_STRIDE + min(i * COLUMNS + column, UNITS - 1)]);
        [[unroll]] for (int r = 0; r < 2; r++) {
          [[unroll]] for (int part = 0; part < UNIT_PARTS; part++) {
            sum[r][i].part[part] = fma(vec4(weight[r]), unit.part[part], sum[r][i].part[part]);
          }
        }
      }
    }
    barrier();
  }

  [[unroll]] for (int r = 0; r < 2; r++) {
    const float factor = visible[r] > 0 ? 1.0 / total[r] : 0.0;
    [[unroll]] for (int i = 0; i < THREAD_UNITS; i++) {
      const uint u = i * COLUMNS + column;
      if (live[r] && u < UNITS) {
        [[unroll]] for (int part = 0; part < UNIT_PARTS; part++) {
          [[unroll]] for (int element = 0; element < 4; element++) {
            y.v[row[r] * HEAD_SIZE + (u * UNIT_PARTS + part) * 4 + element] = sum[r][i].part[part][element] * factor;
          }
        }
      }
    }
  }
}
