// Attention of one token over one split of the cache, for up to HEADS query heads that share a key-value head.
//
// One subgroup per (split, chunk of heads of one key-value head, token). For the scores each lane owns KEYS_PER_LANE rows
// of k, a subgroup's worth apart, and the queries are spread over the lanes by uniform loads; for the sum of values each
// lane owns words of the row of v, and the probabilities are spread by subgroupBroadcast. k and v are read once for all
// the heads. Online softmax; the running maximum is the subgroup's, the denominator each lane's until the end.
// With DIRECT there is one split, and y is written; otherwise maximum, denominator and sum go to `partials`, for
// attention_merge.comp, which reads the splits that begin before the row's last visible key. Splits are SPLIT keys long,
// whatever else is in the dispatch, so a row's result depends on the row alone.
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
BUFFER(4, writeonly, float, Output, y)
CONSTANTS(ADDRESS(Queries, q) ADDRESS(Keys, k) ADDRESS(Values, v) ADDRESS(Positions, positions) ADDRESS(Output, y)
          uint heads; uint group; uint keys; uint capacity; uint splits; float scale;)
layout(local_size_x_id = 0) in;

#define LANE_WORDS ((WORDS + SUBGROUP - 1) / SUBGROUP)
#define BLOCK (SUBGROUP * KEYS_PER_LANE)

void main() {
  const uint lane = gl_SubgroupInvocationID;
  const uint split = gl_WorkGroupID.x;
  const uint chunks = (group + HEADS - 1) / HEADS;
  const uint kv_head = gl_WorkGroupID.y / chunks;
  const uint first_head = gl_WorkGroupID.y % chunks * HEADS;
  const uint t = gl_WorkGroupID.z;
  const uint visible = visible_keys(positions.v[t], keys);
  const uint first = split * SPLIT;
#ifndef DIRECT
  if (first >= visible) return;
#endif
  const uint end = min(first + SPLIT, visible);
  const uint cells = kv_head * capacity;
  // A chunk that the group does not fill computes its last head again, and stores it once.
  uint row[HEADS];
  [[unroll]] for (int h = 0; h < HEADS; h++) row[h] = t * heads + kv_head * group + min(first_head + h, group - 1);

  float largest[HEADS], total[HEADS];
  WORD_TYPE sum[HEADS][LANE_WORDS];
  [[unroll]] for (int h = 0; h < HEADS; h++) {
    largest[h] = LOWEST;
    total[h] = 0.0;
    [[unroll]] for (int w = 0; w < LANE_WORDS; w++) sum[h][w] = WORD_TYPE(0.0);
  }

  for (uint base = first; base < end; base += BLOCK) {
    float score[HEADS][KEYS_PER_LANE];
    uint cell[KEYS_PER_LANE];
    [[unroll]] for (int i = 0; i < KEYS_PER_LANE; i++) {
      // Lanes past the end read the last key: no cell that nobody wrote is ever read.
      cell[i] = (cells + min(base + i * SUBGROUP + lane, end - 1)) * UNITS;
      [[unroll]] for (int h = 0; h < HEADS; h++) score[h][i] = 0.0;
    }
    for (uint u = 0; u < UNITS; u++) {
      Unit unit[KEYS_PER_LANE];
      [[unroll]] for (int i = 0; i < KEYS_PER_LANE; i++) unit[i] = unpack_unit(k.v[cell[i] + u]);
      [[unroll]] for (int h = 0; h < HEADS; h++) {
        [[unroll]] for (int part = 0; part < UNIT_PARTS; part++) {
          const vec4 query = q.v[row[h] * (HEAD_SIZE / 4) + u * UNIT_PARTS + part];
          [[unroll]] for (int i = 0; i < KEYS_PER_LANE; i++) {
            score[h][i] = add_dot(query, unit[i].part[part], score[h][i]);
          }
        }
      }
    }
    [[unroll]] for (int h = 0; h < HEADS; h++) {
      float block_largest = LOWEST;
      [[unroll]] for (int i = 0; i < KEYS_PER_LANE; i++) {
        score[h][i] *= scale;
        if (base + i * SUBGROUP + lane < end) block_largest = max(block_largest, score[h][i]);
      }
      const float raised = max(largest[h], subgroupMax(block_largest));
      const float kept = rescale(largest[h], raised);
      largest[h] = raised;
      total[h] *= kept;
      [[unroll]] for (int i = 0; i < KEYS_PER_LANE; i++) {
        score[h][i] = base + i * SUBGROUP + lane < end ? exp(score[h][i] - raised) : 0.0;
        total[h] += score[h][i];
      }
      [[unroll]] for (int w = 0; w < LANE_WORDS; w++) sum[h][w] *= kept;
    }
    [[unroll]] for (int i = 0; i < KEYS_PER_LANE; i++) {
      [[dont_unroll]] for (uint source = 0; source < SUBGROUP; source++) {
        const uint value = (cells + min(base + i * SUBGROUP + source, end - 1)) * WORDS;
        float weight[HEADS];
        [[unroll]] for (int h = 0; h < HEADS; h++) weight[h] = subgroupBroadcast(score[h][i], source);
        [[unroll]] for (int w = 0; w < LANE_WORDS; w++) {
          const uint word = min(w * SUBGROUP + lane, WORDS - 1);
          const WORD_TYPE elements = unpack_word(v.v[value + word]);
          [[unroll]] for (int h = 0; h < HEADS; h++) sum[h][w] = fma(WORD_TYPE(weight[h]), elements, sum[h][w]);
        }
      }
    }
  }

  [[unroll]] for (int h = 0; h < HEADS; h++) {
    const float whole = subgroupAdd(total[h]);
    if (first_head + h < group) {
#ifdef DIRECT
      const uint target = row[h] * HEAD_SIZE;
      const float factor = end > first ? 1.0 / whole : 0.0;
#else
      const uint target = (row[h] * splits + split) * (HEAD_SIZE + 2) + 2;
      const float factor = 1.0;
      if (lane == 0) {
        y.v[target - 2] = largest[h];
        y.v[target - 1] = whole;
      }
#endif
      [[unroll]] for (int w = 0; w < LANE_WORDS; w++) {
        const uint word = w * SUBGROUP + lane;
        if (word < WORDS) {
#ifdef CACHE_F16
          y.v[target + word * 2] = sum[h][w].x * factor;
          y.v[target + word * 2 + 1] = sum[h][w].y * factor;
#else
          y.v[target + word] = sum[h][w] * factor;
#endif
        }
      }
    }
  }
}
