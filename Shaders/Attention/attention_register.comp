// Attention of a tile of ROWS rows (tokens × the query heads that share a key-value head), without shared memory.
//
// One subgroup per (tile of rows, key-value head). Keys come in blocks of SUBGROUP × KEYS_PER_LANE. For the scores each
// lane owns KEYS_PER_LANE keys and the queries are spread by uniform loads: the tile of ROWS × KEYS_PER_LANE scores stays
// in registers. For the sum of values each lane owns CHUNK_WORDS words of the row of v at a time, and the probabilities
// are spread by subgroupBroadcast; between blocks the sums rest in y, where every lane finds what it wrote itself.
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

void main() {
  const uint lane = gl_SubgroupInvocationID;
  const uint kv_head = gl_WorkGroupID.y;
  const uint cells = kv_head * capacity;
  const uint all_rows = tokens * group;
  uint row[ROWS], visible[ROWS];
  bool live[ROWS];
  uint end = 0;
  [[unroll]] for (int r = 0; r < ROWS; r++) {
    // A tile that is not full computes its last row again, and stores it once.
    const uint index = min(gl_WorkGroupID.x * ROWS + r, all_rows - 1);
    live[r] = gl_WorkGroupID.x * ROWS + r < all_rows;
    row[r] = index / group * heads + kv_head * group + index % group;
    visible[r] = visible_keys(positions.v[index / group], keys);
    end = max(end, visible[r]);
  }

  float largest[ROWS], total[ROWS], kept[ROWS];
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
    for (uint chunk = 0; chunk < CHUNKS; chunk++) {
      uint word[CHUNK_WORDS];
      WORD_TYPE sum[ROWS][CHUNK_WORDS];
      [[unroll]] for (int w = 0; w < CHUNK_WORDS; w++) {
        word[w] = (chunk * CHUNK_WORDS + w) * SUBGROUP + lane;
        [[unroll]] for (int r = 0; r < ROWS; r++) {
          sum[r][w] = WORD_TYPE(0.0);
          if (base > 0 && word[w] < WORDS) {
            const uint target = row[r] * HEAD_SIZE + word[w] * WORD_ELEMENTS;
#ifdef CACHE_F16
            sum[r][w] = vec2(y.v[target], y.v[target + 1]) * kept[r];
#else
            sum[r][w] = y.v[target] * kept[r];
#endif
          }
        }
        word[w] = min(word[w], WORDS - 1);
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
      [[unroll]] for (int r = 0; r < ROWS; r++) {
        [[unroll]] for (int w = 0; w < CHUNK_WORDS; w++) {
          const uint own = (chunk * CHUNK_WORDS + w) * SUBGROUP + lane;
          if (live[r] && own < WORDS) {
            const uint target = row[r] * HEAD_SIZE + own * WORD_ELEMENTS;
#ifdef CACHE_F16
            y.v[target] = sum[r][w].x;
            y.v[target + 1] = sum[r][w].y;
#else
            y.v[target] = sum[r][w];
#endif
          }
        }
      }
    }
  }

  [[unroll]] for (int r = 0; r < ROWS; r++) {
    const float whole = subgroupAdd(total[r]);
    const float factor = 1.0 / whole;
    if (live[r]) {
      for (uint w = lane; w < WORDS; w += SUBGROUP) {
        const uint target = row[r] * HEAD_SIZE + w * WORD_ELEMENTS;
        [[unroll]] for (int element = 0; element < WORD_ELEMENTS; element++) {
          y.v[target + element] = visible[r] > 0 ? y.v[target + element] * factor : 0.0;
        }
      }
    }
  }
}
