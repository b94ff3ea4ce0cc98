// Attention of a tile of ROWS rows (tokens × the query heads that share a key-value head), without shared memory.
//
// One subgroup per (tile of rows, key-value head). Keys come in blocks of SUBGROUP × KEYS_PER_LANE. For the scores each
// lane owns KEYS_PER_LANE keys and the queries are spread by uniform loads: the tile of ROWS × KEYS_PER_LANE scores stays
// in registers. For the sum of values each lane owns CHUNK_WORDS words of the row of v at a time, and the probabilities
// are spread by subgroupBroadcast; between blocks the sums rest in y, where every lane finds what it wrote itself, and
// with the last block they are divided.
// Every block of k and v is read once for all rows of the tile; blocks past the last visible key of the tile are not read.
// Block bounds do not depend on the tile, and a block that a row does not see changes no bit of it.
// Preconditions: the workgroup is one subgroup of SUBGROUP lanes (specialization constant 0); q and k are 16-byte aligned.
#version 460
#include "Common/buffers.glsl"
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_ballot : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#include "Attention/attention.glsl"
BUFFER_ALIGNED(0, readonly, vec4, Queries, q, 16)
BUFFER_ALIGNED(1, readonly, uvec4, Keys, k, 16)
BUFFER(2, readonly, uint, Values, v)
BUFFER(3, readonly, int, Positions, positions)
BUFFER(4, readwrite, float, Output, y)
CONSTANTS(ADDRESS(Queries, q) ADDRESS(Keys, k) ADDRESS(Values, v) ADDRESS(Positions, positions) ADDRESS(Output, y)
          uint tokens; uint heads; uint group; uint keys; uint capacity; float scale;)
layout(local_size_x_id = 0) in;

#define BLOCK (SUBGROUP * KEYS_PER_LANE)
#define CHUNKS ((WORDS + SUBGROUP * CHUNK_WORDS - 1) / (SUBGROUP * CHUNK_WORDS))

#ifdef CACHE_F16
#define LOAD_SUM(i) vec2(y.v[i], y.v[(i) + 1])
#define STORE_SUM(i, pair) y.v[i] = (pair).x; y.v[(i) + 1] = (pair).y
#else
#define LOAD_SUM(i) y.v[i]
#define STORE_SUM(i, value) y.v[i] = value
#endif

void main() {
  const uint lane = gl_SubgroupInvocationID;
  const uint kv_head = gl_WorkGroupID.y;
  const uint cells = kv_head * capacity;
  const uint all_rows = tokens * group;
  uint row[ROWS], visible[ROWS];
  uint end = 0;
  [[unroll]] for (int r = 0; r < ROWS; r++) {
    // A tile that is not full computes its last row again: the same lanes store the same bits twice.
    const uint index = min(gl_WorkGroupID.x * ROWS + r, all_rows - 1);
    row[r] = index / group * heads + kv_head * group + index % group;
    visible[r] = visible_keys(positions.v[index / group], keys);
    end = max(end, visible[r]);
  }

  float largest[ROWS], total[ROWS], kept[ROWS], factor[ROWS];
  [[unroll]] for (int r = 0; r < ROWS; r++) {
    largest[r] = LOWEST;
    total[r] = 0.0;
  }

  for (uint base = 0; base < end; base += BLOCK) {
    float score[ROWS][KEYS_PER_LANE];
    uint cell[KEYS_PER_LANE];
    [[unroll]] for (int i = 0; i < KEYS_PER_LANE; i++) {
      // Lanes past the end read the last key: no cell that nobody wrote is ever read.
      cell[i] = (cells + min(base + i * SUBGROUP + lane, end - 1)) * UNITS;
      [[unroll]] for (int r = 0; r < ROWS; r++) score[r][i] = 0.0;
    }
    for (uint u = 0; u < UNITS; u++) {
      Unit unit[KEYS_PER_LANE];
      [[unroll]] for (int i = 0; i < KEYS_PER_LANE; i++) unit[i] = unpack_unit(k.v[cell[i] + u]);
      [[unroll]] for (int r = 0; r < ROWS; r++) {
        [[unroll]] for (int part = 0; part < UNIT_PARTS; part++) {
          const vec4 query = q.v[row[r] * (HEAD_SIZE / 4) + u * UNIT_PARTS + part];
          [[unroll]] for (int i = 0; i < KEYS_PER_LANE; i++) {
            score[r][i] = add_dot(query, unit[i].part[part], score[r][i]);
          }
        }
      }
    }
    [[unroll]] for (int r = 0; r < ROWS; r++) {
      float block_largest = LOWEST;
      [[unroll]] for (int i = 0; i < KEYS_PER_LANE; i++) {
        score[r][i] *= scale;
        if (base + i * SUBGROUP + lane < visible[r]) block_largest = max(block_largest, score[r][i]);
      }
      const float raised = max(largest[r], subgroupMax(block_largest));
      kept[r] = rescale(largest[r], raised);
      largest[r] = raised;
      total[r] *= kept[r];
      [[unroll]] for (int i = 0; i < KEYS_PER_LANE; i++) {
        score[r][i] = base + i * SUBGROUP + lane < visible[r] ? exp(score[r][i] - raised) : 0.0;
        total[r] += score[r][i];
      }
    }
    const bool is_last = base + BLOCK >= end;
    [[unroll]] for (int r = 0; r < ROWS; r++) {
      factor[r] = 1.0;
      if (is_last) factor[r] = visible[r] > 0 ? 1.0 / subgroupAdd(total[r]) : 0.0;
    }
    for (uint chunk = 0; chunk < CHUNKS; chunk++) {
      uint word[CHUNK_WORDS];
      WORD_TYPE sum[ROWS][CHUNK_WORDS];
      [[unroll]] for (int w = 0; w < CHUNK_WORDS; w++) {
        word[w] = min((chunk * CHUNK_WORDS + w) * SUBGROUP + lane, WORDS - 1);
        [[unroll]] for (int r = 0; r < ROWS; r++) {
          // What is there before the first block counts for nothing, and may be anything.
          const WORD_TYPE before = LOAD_SUM(row[r] * HEAD_SIZE + word[w] * WORD_ELEMENTS);
          sum[r][w] = base > 0 ? before * kept[r] : WORD_TYPE(0.0);
        }
      }
      [[unroll]] for (int i = 0; i < KEYS_PER_LANE; i++) {
        UNROLL_LANES for (uint source = 0; source < SUBGROUP; source++) {
          const uint value = (cells + min(base + i * SUBGROUP + source, end - 1)) * WORDS;
          WORD_TYPE elements[CHUNK_WORDS];
          [[unroll]] for (int w = 0; w < CHUNK_WORDS; w++) elements[w] = unpack_word(v.v[value + word[w]]);
          [[unroll]] for (int r = 0; r < ROWS; r++) {
            const float weight = subgroupBroadcast(score[r][i], source);
            [[unroll]] for (int w = 0; w < CHUNK_WORDS; w++) sum[r][w] = fma(WORD_TYPE(weight), elements[w], sum[r][w]);
          }
        }
      }
      [[unroll]] for (int w = 0; w < CHUNK_WORDS; w++) {
        if ((chunk * CHUNK_WORDS + w) * SUBGROUP + lane < WORDS) {
          [[unroll]] for (int r = 0; r < ROWS; r++) {
            STORE_SUM(row[r] * HEAD_SIZE + word[w] * WORD_ELEMENTS, sum[r][w] * factor[r]);
          }
        }
      }
    }
  }

  if (end == 0) {
    for (uint i = lane; i < ROWS * HEAD_SIZE; i += SUBGROUP) {
      const uint index = min(gl_WorkGroupID.x * ROWS + i / HEAD_SIZE, all_rows - 1);
      y.v[(index / group * heads + kv_head * group + index % group) * HEAD_SIZE + i % HEAD_SIZE] = 0.0;
    }
  }
}
