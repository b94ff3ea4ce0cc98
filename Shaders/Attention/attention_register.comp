// Attention of a tile of ROWS rows (tokens × the query heads that share a key-value head), without shared memory.
//
// One subgroup per (tile of rows, key-value head of the part, sequence). Listed tiles of keys come in blocks of SUBGROUP ×
// KEYS_PER_LANE cells. For the scores each lane owns KEYS_PER_LANE keys and the queries are spread by uniform loads: the tile of
// ROWS × KEYS_PER_LANE scores stays in registers. For the sum of values each lane owns CHUNK_WORDS words of the row of v at a time,
// and the probabilities are spread by subgroupBroadcast; between blocks the sums rest in y, where every lane finds what it wrote itself.
// Every block of k and v is read once for all rows of the tile. Block bounds do not depend on the tile, and a block that a row does
// not see changes no bit of it.
// Preconditions: the workgroup is one subgroup of SUBGROUP lanes (specialization constant 0); q and k are 16-byte aligned; ROWS
// divides ROW_TILE; KEY_TILE is a multiple of the block, or the block has idle lanes.
#version 460
#include "Common/buffers.glsl"
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_ballot : require
#extension GL_KHR_shader_subgroup_arithmetic : require
BUFFER_ALIGNED(0, readonly, vec4, Queries, q, 16)
BUFFER_ALIGNED(1, readonly, uvec4, Keys, k, 16)
BUFFER(2, readonly, uint, Values, v)
BUFFER(3, readonly, int, Positions, positions)
BUFFER(4, readonly, int, KeyPositions, key_positions)
BUFFER(5, readonly, int, Lengths, lengths)
BUFFER(6, readonly, int, Totals, totals)
BUFFER(7, readonly, uint, MaskWords, mask)
BUFFER(8, readonly, uint, ScoreWords, score_words)
BUFFER(9, readonly, int, Counts, counts)
BUFFER(10, readonly, int, List, list)
BUFFER(11, readonly, float, Sinks, sinks)
BUFFER(12, readwrite, float, Output, y)
BUFFER(13, writeonly, float, LogSumExp, log_sum_exp)
CONSTANTS(ADDRESS(Queries, q) ADDRESS(Keys, k) ADDRESS(Values, v) ADDRESS(Positions, positions)
          ADDRESS(KeyPositions, key_positions) ADDRESS(Lengths, lengths) ADDRESS(Totals, totals) ADDRESS(MaskWords, mask)
          ADDRESS(ScoreWords, score_words) ADDRESS(Counts, counts) ADDRESS(List, list) ADDRESS(Sinks, sinks) ADDRESS(Output, y)
          ADDRESS(LogSumExp, log_sum_exp) uint tokens; uint capacity; uint first_head; float scale;)
layout(local_size_x_id = 0) in;
#include "Attention/attention.glsl"
#include "Attention/plain_cache.glsl"

#define BLOCK (SUBGROUP * KEYS_PER_LANE)
#define ALL_ROWS ((1u << ROWS) - 1)
// A bit for each key of the lane and row, rows first.
#define SEES(row, key) ((seen >> (key) * ROWS + (row) & 1u) != 0)
#define CHUNKS ((VALUE_WORDS + SUBGROUP * CHUNK_WORDS - 1) / (SUBGROUP * CHUNK_WORDS))

// The position of a cell of this lane's, -1 if the block is wider than a tile and the lane idle.
int own_position(uint set, uint cell) {
  return BLOCK <= KEY_TILE || gl_SubgroupInvocationID < KEY_TILE ? cell_position(set, cell) : -1;
}

void main() {
  const uint lane = gl_SubgroupInvocationID;
  const uint set = set_of(gl_WorkGroupID.z, gl_WorkGroupID.y);
  const uint cells = (gl_WorkGroupID.z * gl_NumWorkGroups.y + gl_WorkGroupID.y) * capacity;
  const uint all_rows = tokens * GROUP, first_row = gl_WorkGroupID.x * ROWS;
  const int length = totals.v[gl_WorkGroupID.z];
  Row rows[ROWS];
  float largest[ROWS], total[ROWS], kept[ROWS];
  [[unroll]] for (int r = 0; r < ROWS; r++) {
    // A tile that is not full computes its last row again: the same lanes store the same bits twice.
    rows[r] = row_at(set, min(first_row + r, all_rows - 1));
    largest[r] = LOWEST;
    total[r] = 0.0;
#ifdef HAS_SINKS
    largest[r] = sinks.v[rows[r].head];
    total[r] = lane == 0 ? 1.0 : 0.0;
#endif
  }

  const uint tile = set * ROW_TILES + first_row / ROW_TILE;
  const uint end = uint(counts.v[tile]);
  // Whether anything rests in y.
  bool begun = false;
  for (uint entry = 0; entry < end; entry++) {
    const int listed = list.v[tile * KEY_TILES + entry];
    const bool full = (listed & FULL_TILE) != 0;
    [[dont_unroll]] for (uint place = 0; place < KEY_TILE; place += BLOCK) {
      const uint base = uint(listed & ~FULL_TILE) * KEY_TILE + place;
      float score[ROWS][KEYS_PER_LANE];
      uint cell[KEYS_PER_LANE];
      int key[KEYS_PER_LANE];
      [[unroll]] for (int i = 0; i < KEYS_PER_LANE; i++) {
        const uint own = base + i * SUBGROUP + lane;
        // Cells that nobody wrote are read, but count for nothing.
        cell[i] = (cells + min(own, capacity - 1)) * KEY_UNITS;
        key[i] = own_position(set, own);
        [[unroll]] for (int r = 0; r < ROWS; r++) score[r][i] = 0.0;
      }
      // Which rows see which of this lane's keys. Not unrolled: a mask may be long, and drivers would compile it once for each.
      uint seen = 0;
      if (full) {
        [[unroll]] for (int i = 0; i < KEYS_PER_LANE; i++) {
          if (key[i] >= 0) seen |= ALL_ROWS << i * ROWS;
        }
      } else {
        [[dont_unroll]] for (uint pair = 0; pair < KEYS_PER_LANE * ROWS; pair++) {
          const int position = own_position(set, base + pair / ROWS * SUBGROUP + lane);
          if (row_sees(row_at(set, min(first_row + pair % ROWS, all_rows - 1)), position, length)) seen |= 1u << pair;
        }
      }
      for (uint u = 0; u < KEY_UNITS; u++) {
        KeyUnit unit[KEYS_PER_LANE];
        [[unroll]] for (int i = 0; i < KEYS_PER_LANE; i++) unit[i] = unpack_key(k.v[cell[i] + u]);
        [[unroll]] for (int r = 0; r < ROWS; r++) {
          [[unroll]] for (int part = 0; part < KEY_PARTS; part++) {
            const vec4 query = q.v[rows[r].index * (KEY_SIZE / 4) + u * KEY_PARTS + part];
            [[unroll]] for (int i = 0; i < KEYS_PER_LANE; i++) {
              score[r][i] = add_dot(query, unit[i].part[part], score[r][i]);
            }
          }
        }
      }
      [[unroll]] for (int r = 0; r < ROWS; r++) {
        float block_largest = LOWEST;
        [[unroll]] for (int i = 0; i < KEYS_PER_LANE; i++) {
          score[r][i] = score_modified(scale * score[r][i], rows[r].head, rows[r].position, key[i]);
          if (SEES(r, i)) block_largest = max(block_largest, score[r][i]);
        }
        const float raised = max(largest[r], subgroupMax(block_largest));
        kept[r] = rescale(largest[r], raised);
        largest[r] = raised;
        total[r] *= kept[r];
        [[unroll]] for (int i = 0; i < KEYS_PER_LANE; i++) {
          score[r][i] = SEES(r, i) ? exp(score[r][i] - raised) : 0.0;
          total[r] += score[r][i];
        }
      }
      for (uint chunk = 0; chunk < CHUNKS; chunk++) {
        uint word[CHUNK_WORDS];
        VALUE_WORD sum[ROWS][CHUNK_WORDS];
        [[unroll]] for (int w = 0; w < CHUNK_WORDS; w++) {
          word[w] = min((chunk * CHUNK_WORDS + w) * SUBGROUP + lane, VALUE_WORDS - 1);
          [[unroll]] for (int r = 0; r < ROWS; r++) {
            // What is there before the first block counts for nothing, and may be anything.
            const VALUE_WORD before = LOAD_VALUES(y, rows[r].index * VALUE_SIZE + word[w] * VALUE_ELEMENTS);
            sum[r][w] = begun ? before * kept[r] : VALUE_WORD(0.0);
          }
        }
        [[unroll]] for (int i = 0; i < KEYS_PER_LANE; i++) {
          UNROLL_LANES for (uint source = 0; source < SUBGROUP; source++) {
            const uint value = (cells + min(base + i * SUBGROUP + source, capacity - 1)) * VALUE_WORDS;
            // What is in a cell that no row sees may be no number.
            const bool counts_for = subgroupBroadcast(seen >> i * ROWS & ALL_ROWS, source) != 0;
            VALUE_WORD elements[CHUNK_WORDS];
            [[unroll]] for (int w = 0; w < CHUNK_WORDS; w++) {
              elements[w] = unpack_value(v.v[value + word[w]]);
              if (!counts_for) elements[w] = VALUE_WORD(0.0);
            }
            [[unroll]] for (int r = 0; r < ROWS; r++) {
              const float weight = subgroupBroadcast(score[r][i], source);
              [[unroll]] for (int w = 0; w < CHUNK_WORDS; w++) sum[r][w] = fma(VALUE_WORD(weight), elements[w], sum[r][w]);
            }
          }
        }
        [[unroll]] for (int w = 0; w < CHUNK_WORDS; w++) {
          if ((chunk * CHUNK_WORDS + w) * SUBGROUP + lane < VALUE_WORDS) {
            [[unroll]] for (int r = 0; r < ROWS; r++) {
              STORE_VALUES(y, rows[r].index * VALUE_SIZE + word[w] * VALUE_ELEMENTS, sum[r][w]);
            }
          }
        }
      }
      begun = true;
    }
  }

  [[unroll]] for (int r = 0; r < ROWS; r++) {
    const float whole = subgroupAdd(total[r]);
    const float factor = whole == 0.0 ? 0.0 : 1.0 / whole;
    if (first_row + r < all_rows) {
      for (uint w = lane; w < VALUE_WORDS; w += SUBGROUP) {
        const uint target = rows[r].index * VALUE_SIZE + w * VALUE_ELEMENTS;
        const VALUE_WORD sum = begun ? LOAD_VALUES(y, target) : VALUE_WORD(0.0);
        STORE_VALUES(y, target, sum * factor);
      }
#ifdef LOG_SUM_EXP
      if (lane == 0) log_sum_exp.v[rows[r].index] = whole == 0.0 ? uintBitsToFloat(0xff800000u) : largest[r] + log(whole);
#endif
    }
  }
}
