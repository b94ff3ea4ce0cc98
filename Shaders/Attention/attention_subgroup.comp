// Attention of one token over one split of the cache, for up to HEADS query heads that share a key-value head.
//
// One subgroup per (split, chunk of heads of one key-value head, token). KEY_LANES lanes, a power of two, stride along
// the elements of one key in 16-byte units; the SUBGROUP / KEY_LANES teams of a subgroup take keys in turn, KEYS_AHEAD
// each at a time, so that as many loads are in flight. A score is the sum over its team by shuffles. Every team has its
// own online softmax, and the teams' are merged at the end as splits are. k and v are read once for all the heads.
// With DIRECT there is one split, and y is written; otherwise maximum, denominator and sum go to `partials`, for
// attention_merge.comp, which reads the splits that begin before the row's last visible key. Splits are SPLIT keys long,
// whatever else is in the dispatch, so a row's result depends on the row alone.
// Preconditions: the workgroup is one subgroup of SUBGROUP lanes (specialization constant 0); q, k and v are 16-byte
// aligned.
#version 460
#include "Common/buffers.glsl"
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "Attention/attention.glsl"
BUFFER_ALIGNED(0, readonly, vec4, Queries, q, 16)
BUFFER_ALIGNED(1, readonly, uvec4, Keys, k, 16)
BUFFER_ALIGNED(2, readonly, uvec4, Values, v, 16)
BUFFER(3, readonly, int, Positions, positions)
BUFFER(4, writeonly, float, Output, y)
CONSTANTS(ADDRESS(Queries, q) ADDRESS(Keys, k) ADDRESS(Values, v) ADDRESS(Positions, positions) ADDRESS(Output, y)
          uint heads; uint group; uint keys; uint capacity; uint splits; float scale;)
layout(local_size_x_id = 0) in;

#define TEAMS (SUBGROUP / KEY_LANES)
#define LANE_UNITS ((UNITS + KEY_LANES - 1) / KEY_LANES)

// The sum over the lanes of a team.
float team_add(float value) {
#if KEY_LANES == SUBGROUP
  return subgroupAdd(value);
#else
  [[unroll]] for (uint other = 1; other < KEY_LANES; other *= 2) value += subgroupShuffleXor(value, other);
  return value;
#endif
}

void main() {
  const uint lane = gl_SubgroupInvocationID % KEY_LANES;
  const uint team = gl_SubgroupInvocationID / KEY_LANES;
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

  Unit query[HEADS][LANE_UNITS], sum[HEADS][LANE_UNITS];
  float largest[HEADS], total[HEADS];
  [[unroll]] for (int h = 0; h < HEADS; h++) {
    largest[h] = LOWEST;
    total[h] = 0.0;
    [[unroll]] for (int i = 0; i < LANE_UNITS; i++) {
      const uint u = i * KEY_LANES + lane;
      [[unroll]] for (int part = 0; part < UNIT_PARTS; part++) {
        query[h][i].part[part] = u < UNITS ? q.v[row[h] * (HEAD_SIZE / 4) + min(u, UNITS - 1) * UNIT_PARTS + part] : vec4(0.0);
        sum[h][i].part[part] = vec4(0.0);
      }
    }
  }

  for (uint base = first; base < end; base += TEAMS * KEYS_AHEAD) {
    float score[HEADS][KEYS_AHEAD];
    [[unroll]] for (int ahead = 0; ahead < KEYS_AHEAD; ahead++) {
      // Teams past the end read the last key: no cell that nobody wrote is ever read.
      const uint cell = (cells + min(base + ahead * TEAMS + team, end - 1)) * UNITS;
      [[unroll]] for (int h = 0; h < HEADS; h++) score[h][ahead] = 0.0;
      [[unroll]] for (int i = 0; i < LANE_UNITS; i++) {
        const Unit unit = unpack_unit(k.v[cell + min(i * KEY_LANES + lane, UNITS - 1)]);
        [[unroll]] for (int h = 0; h < HEADS; h++) {
          [[unroll]] for (int part = 0; part < UNIT_PARTS; part++) {
            score[h][ahead] = add_dot(query[h][i].part[part], unit.part[part], score[h][ahead]);
          }
        }
      }
    }
    [[unroll]] for (int h = 0; h < HEADS; h++) {
      float raised = largest[h];
      [[unroll]] for (int ahead = 0; ahead < KEYS_AHEAD; ahead++) {
        score[h][ahead] = team_add(score[h][ahead]) * scale;
        if (base + ahead * TEAMS + team < end) raised = max(raised, score[h][ahead]);
      }
      const float kept = rescale(largest[h], raised);
      largest[h] = raised;
      total[h] *= kept;
      [[unroll]] for (int ahead = 0; ahead < KEYS_AHEAD; ahead++) {
        score[h][ahead] = base + ahead * TEAMS + team < end ? exp(score[h][ahead] - raised) : 0.0;
        total[h] += score[h][ahead];
      }
      [[unroll]] for (int i = 0; i < LANE_UNITS; i++) {
        [[unroll]] for (int part = 0; part < UNIT_PARTS; part++) sum[h][i].part[part] *= kept;
      }
    }
    [[unroll]] for (int ahead = 0; ahead < KEYS_AHEAD; ahead++) {
      const uint cell = (cells + min(base + ahead * TEAMS + team, end - 1)) * UNITS;
      [[unroll]] for (int i = 0; i < LANE_UNITS; i++) {
        const Unit unit = unpack_unit(v.v[cell + min(i * KEY_LANES + lane, UNITS - 1)]);
        [[unroll]] for (int h = 0; h < HEADS; h++) {
          [[unroll]] for (int part = 0; part < UNIT_PARTS; part++) {
            sum[h][i].part[part] = fma(vec4(score[h][ahead]), unit.part[part], sum[h][i].part[part]);
          }
        }
      }
    }
  }

  [[unroll]] for (int h = 0; h < HEADS; h++) {
    float whole = total[h];
    float highest = largest[h];
    [[unroll]] for (uint other = KEY_LANES; other < SUBGROUP; other *= 2) {
      highest = max(highest, subgroupShuffleXor(highest, other));
    }
    // A team without a key has weight 0: its maximum is LOWEST, and its denominator 0 besides.
    const float weight = rescale(largest[h], highest);
    whole *= weight;
    [[unroll]] for (uint other = KEY_LANES; other < SUBGROUP; other *= 2) whole += subgroupShuffleXor(whole, other);
#ifdef DIRECT
    const uint target = row[h] * HEAD_SIZE;
    const float factor = end > first ? 1.0 / whole : 0.0;
#else
    const uint target = (row[h] * splits + split) * (HEAD_SIZE + 2) + 2;
    const float factor = 1.0;
    if (first_head + h < group && gl_SubgroupInvocationID == 0) {
      y.v[target - 2] = highest;
      y.v[target - 1] = whole;
    }
#endif
    [[unroll]] for (int i = 0; i < LANE_UNITS; i++) {
      [[unroll]] for (int part = 0; part < UNIT_PARTS; part++) {
        sum[h][i].part[part] *= weight;
        [[unroll]] for (uint other = KEY_LANES; other < SUBGROUP; other *= 2) {
          sum[h][i].part[part] += subgroupShuffleXor(sum[h][i].part[part], other);
        }
      }
    }
    if (first_head + h < group && team == 0) {
      [[unroll]] for (int i = 0; i < LANE_UNITS; i++) {
        const uint u = i * KEY_LANES + lane;
        if (u < UNITS) {
          [[unroll]] for (int part = 0; part < UNIT_PARTS; part++) {
            [[unroll]] for (int element = 0; element < 4; element++) {
              y.v[target + (u * UNIT_PARTS + part) * 4 + element] = sum[h][i].part[part][element] * factor;
            }
          }
        }
      }
    }
  }
}
