// Attention of a tile of ROW_TILE rows (tokens × the query heads that share a key-value head), with tiles of k and v in shared
// memory.
//
// One workgroup of ROW_TILE / 2 × COLUMNS threads per (tile of rows, key-value head of the part, sequence). Thread (r, c) owns rows
// r and r + ROW_TILE / 2; of every block of BLOCK keys the scores of keys c, c + COLUMNS, …; and of the sum of values the units c,
// c + COLUMNS, … of 16 bytes as they lie in the cache. One tile buffer holds k, then v. Only listed tiles of keys are read. Block
// bounds do not depend on the tile, and a block that a row does not see changes no bit of it.
// Preconditions: the workgroup is of THREADS (specialization constant 0); q, k and v are 16-byte aligned; BLOCK divides KEY_TILE.
#version 460
#include "Common/buffers.glsl"
BUFFER_ALIGNED(0, readonly, vec4, Queries, q, 16)
BUFFER_ALIGNED(1, readonly, uvec4, Keys, k, 16)
BUFFER_ALIGNED(2, readonly, uvec4, Values, v, 16)
BUFFER(3, readonly, int, Positions, positions)
BUFFER(4, readonly, int, KeyPositions, key_positions)
BUFFER(5, readonly, int, Lengths, lengths)
BUFFER(6, readonly, int, Totals, totals)
BUFFER(7, readonly, uint, MaskWords, mask)
BUFFER(8, readonly, uint, ScoreWords, score_words)
BUFFER(9, readonly, int, Counts, counts)
BUFFER(10, readonly, int, List, list)
BUFFER(11, readonly, float, Sinks, sinks)
BUFFER(12, writeonly, float, Output, y)
BUFFER(13, writeonly, float, LogSumExp, log_sum_exp)
CONSTANTS(ADDRESS(Queries, q) ADDRESS(Keys, k) ADDRESS(Values, v) ADDRESS(Positions, positions)
          ADDRESS(KeyPositions, key_positions) ADDRESS(Lengths, lengths) ADDRESS(Totals, totals) ADDRESS(MaskWords, mask)
          ADDRESS(ScoreWords, score_words) ADDRESS(Counts, counts) ADDRESS(List, list) ADDRESS(Sinks, sinks) ADDRESS(Output, y)
          ADDRESS(LogSumExp, log_sum_exp) uint tokens; uint capacity; uint first_head; float scale;)
layout(local_size_x_id = 0) in;
#include "Attention/attention.glsl"
#include "Attention/plain_cache.glsl"

#define THREADS (ROW_TILE / 2 * COLUMNS)
#define THREAD_KEYS (BLOCK / COLUMNS)
#define VALUE_PARTS VALUE_ELEMENTS
#define VALUE_UNITS (VALUE_SIZE / (4 * VALUE_PARTS))
#define THREAD_UNITS ((VALUE_UNITS + COLUMNS - 1) / COLUMNS)
// One unit more than a cell, and one score more than a block: neighbouring rows begin in different banks.
#define KEY_STRIDE (KEY_UNITS + 1)
#define VALUE_STRIDE (VALUE_UNITS + 1)
#define TILE_UNITS (BLOCK * (KEY_STRIDE > VALUE_STRIDE ? KEY_STRIDE : VALUE_STRIDE))
#define SCORE_STRIDE (BLOCK + 1)

shared uvec4 tile[TILE_UNITS];
shared float scores[ROW_TILE * SCORE_STRIDE];
shared float weights[ROW_TILE * SCORE_STRIDE];
shared int key_of[BLOCK];

void unpack_unit(uvec4 words, out vec4 part[VALUE_PARTS]) {
#if VALUE_ELEMENTS == 2
  part[0] = vec4(unpack_value(words.x), unpack_value(words.y));
  part[1] = vec4(unpack_value(words.z), unpack_value(words.w));
#else
  part[0] = uintBitsToFloat(words);
#endif
}

void main() {
  const uint thread = gl_LocalInvocationID.x;
  const uint column = thread % COLUMNS;
  const uint set = set_of(gl_WorkGroupID.z, gl_WorkGroupID.y);
  const uint cells = (gl_WorkGroupID.z * gl_NumWorkGroups.y + gl_WorkGroupID.y) * capacity;
  const uint all_rows = tokens * GROUP;
  const int length = totals.v[gl_WorkGroupID.z];
  Row rows[2];
  uint local[2];
  bool exists[2];
  float largest[2], total[2];
  [[unroll]] for (int r = 0; r < 2; r++) {
    local[r] = thread / COLUMNS + r * (ROW_TILE / 2);
    // A tile that is not full computes its last row again, and stores it once.
    exists[r] = gl_WorkGroupID.x * ROW_TILE + local[r] < all_rows;
    rows[r] = row_at(set, min(gl_WorkGroupID.x * ROW_TILE + local[r], all_rows - 1));
    largest[r] = LOWEST;
    total[r] = 0.0;
#ifdef HAS_SINKS
    largest[r] = sinks.v[rows[r].head];
    total[r] = 1.0;
#endif
  }
  vec4 sum[2][THREAD_UNITS][VALUE_PARTS];
  [[unroll]] for (int r = 0; r < 2; r++) {
    [[unroll]] for (int i = 0; i < THREAD_UNITS; i++) {
      [[unroll]] for (int part = 0; part < VALUE_PARTS; part++) sum[r][i][part] = vec4(0.0);
    }
  }

  const uint row_tile = set * ROW_TILES + gl_WorkGroupID.x;
  const uint end = uint(counts.v[row_tile]);
  for (uint entry = 0; entry < end; entry++) {
    const int listed = list.v[row_tile * KEY_TILES + entry];
    const bool full = (listed & FULL_TILE) != 0;
    for (uint place = 0; place < KEY_TILE; place += BLOCK) {
      const uint base = uint(listed & ~FULL_TILE) * KEY_TILE + place;
      // Cells that nobody wrote are read, but count for nothing.
      for (uint i = thread; i < BLOCK * KEY_UNITS; i += THREADS) {
        const uint cell = cells + min(base + i / KEY_UNITS, capacity - 1);
        tile[i / KEY_UNITS * KEY_STRIDE + i % KEY_UNITS] = k.v[cell * KEY_UNITS + i % KEY_UNITS];
      }
      for (uint i = thread; i < BLOCK; i += THREADS) key_of[i] = cell_position(set, base + i);
      barrier();
      float score[2][THREAD_KEYS];
      [[unroll]] for (int i = 0; i < THREAD_KEYS; i++) {
        score[0][i] = 0.0;
        score[1][i] = 0.0;
      }
      for (uint u = 0; u < KEY_UNITS; u++) {
        vec4 query[2][KEY_PARTS];
        [[unroll]] for (int r = 0; r < 2; r++) {
          [[unroll]] for (int part = 0; part < KEY_PARTS; part++) {
            query[r][part] = q.v[rows[r].index * (KEY_SIZE / 4) + u * KEY_PARTS + part];
          }
        }
        [[unroll]] for (int i = 0; i < THREAD_KEYS; i++) {
          const KeyUnit unit = unpack_key(tile[(i * COLUMNS + column) * KEY_STRIDE + u]);
          [[unroll]] for (int r = 0; r < 2; r++) {
            [[unroll]] for (int part = 0; part < KEY_PARTS; part++) {
              score[r][i] = add_dot(query[r][part], unit.part[part], score[r][i]);
            }
          }
        }
      }
      [[unroll]] for (int i = 0; i < THREAD_KEYS; i++) {
        const int key = key_of[i * COLUMNS + column];
        [[unroll]] for (int r = 0; r < 2; r++) {
          const bool sees = full ? key >= 0 : row_sees(rows[r], key, length);
          score[r][i] = sees ? score_modified(scale * score[r][i], rows[r].head, rows[r].position, key) : LOWEST;
          scores[local[r] * SCORE_STRIDE + i * COLUMNS + column] = score[r][i];
        }
      }
      // From here on the scores of whole rows are there, and nobody needs the tile of k.
      barrier();
      for (uint i = thread; i < BLOCK * VALUE_UNITS; i += THREADS) {
        const uint cell = cells + min(base + i / VALUE_UNITS, capacity - 1);
        // What is in an empty cell may be no number.
        tile[i / VALUE_UNITS * VALUE_STRIDE + i % VALUE_UNITS] =
            key_of[i / VALUE_UNITS] >= 0 ? v.v[cell * VALUE_UNITS + i % VALUE_UNITS] : uvec4(0);
      }
      [[unroll]] for (int r = 0; r < 2; r++) {
        float raised = largest[r];
        for (uint key = 0; key < BLOCK; key++) raised = max(raised, scores[local[r] * SCORE_STRIDE + key]);
        const float kept = rescale(largest[r], raised);
        largest[r] = raised;
        total[r] *= kept;
        [[unroll]] for (int i = 0; i < THREAD_UNITS; i++) {
          [[unroll]] for (int part = 0; part < VALUE_PARTS; part++) sum[r][i][part] *= kept;
        }
        [[unroll]] for (int i = 0; i < THREAD_KEYS; i++) {
          weights[local[r] * SCORE_STRIDE + i * COLUMNS + column] = score[r][i] == LOWEST ? 0.0 : exp(score[r][i] - raised);
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
          vec4 elements[VALUE_PARTS];
          unpack_unit(tile[key * VALUE_STRIDE + min(i * COLUMNS + column, VALUE_UNITS - 1)], elements);
          [[unroll]] for (int r = 0; r < 2; r++) {
            [[unroll]] for (int part = 0; part < VALUE_PARTS; part++) {
              sum[r][i][part] = fma(vec4(weight[r]), elements[part], sum[r][i][part]);
            }
          }
        }
      }
      barrier();
    }
  }

  [[unroll]] for (int r = 0; r < 2; r++) {
    const float factor = total[r] == 0.0 ? 0.0 : 1.0 / total[r];
    [[unroll]] for (int i = 0; i < THREAD_UNITS; i++) {
      const uint u = i * COLUMNS + column;
      if (exists[r] && u < VALUE_UNITS) {
        [[unroll]] for (int part = 0; part < VALUE_PARTS; part++) {
          [[unroll]] for (int element = 0; element < 4; element++) {
            y.v[rows[r].index * VALUE_SIZE + (u * VALUE_PARTS + part) * 4 + element] = sum[r][i][part][element] * factor;
          }
        }
      }
    }
#ifdef LOG_SUM_EXP
    if (exists[r] && column == 0) {
      log_sum_exp.v[rows[r].index] = total[r] == 0.0 ? uintBitsToFloat(0xff800000u) : largest[r] + log(total[r]);
    }
#endif
  }
}
