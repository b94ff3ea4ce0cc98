// Weighted sums of values of a chunk of ROWS rows over a split of the list, see attention_scores.comp, to `partials`
// [chunk, split, KEYS_AT_ONCE, ROWS, VALUE_SIZE].
//
// One subgroup per (split, chunk of rows, key-value head of the part in all sequences). Of plain values (VALUE_F32, VALUE_F16,
// VALUE_BF16) a lane owns words, and all lanes read the same cell. Otherwise it owns a step of the format, decoded once for all rows,
// and KEYS_AT_ONCE cells are read at once, whose sums are kept apart.
// Preconditions: the workgroup is one subgroup of SUBGROUP lanes (specialization constant 0).
#version 460
#include "Common/buffers.glsl"
#extension GL_KHR_shader_subgroup_basic : require
BUFFER(0, readonly, float, Weights, weights)
BUFFER(1, readonly, uint, Values, v)
BUFFER(2, readonly, int, Counts, counts)
BUFFER(3, readonly, int, List, list)
BUFFER(4, writeonly, float, Partials, partials)
#define LATTICE_BINDING 5
#include "Common/lattice_buffer.glsl"
CONSTANTS(ADDRESS(Weights, weights) ADDRESS(Values, v) ADDRESS(Counts, counts) ADDRESS(List, list) ADDRESS(Partials, partials)
          LATTICE_ADDRESS uint tokens; uint capacity; uint first_head; uint part_heads; uint splits;)
layout(local_size_x_id = 0) in;
#extension GL_EXT_control_flow_attributes : require

#include "Attention/tiles.glsl"

#if defined(VALUE_F32) || defined(VALUE_F16) || defined(VALUE_BF16)
#define VALUE_PLAIN
#include "Attention/plain_cache.glsl"
#define KEYS_AT_ONCE 1
#define LANE_WORDS ((VALUE_WORDS + SUBGROUP - 1) / SUBGROUP)
#else
#define WEIGHT_BY_STEPS
#define WEIGHT_LOAD(i) v.v[i]
#define WEIGHT_ROWS cell_count
#define WEIGHT_COLUMNS VALUE_SIZE
uint cell_count;
#include "Common/weights.glsl"

uint weight_first(uint piece, uint step) { return weight_row_start(piece, weight_row) + weight_step_start(piece, step); }
uint weight_load(uint piece, uint step, uint i) {
  return v.v[weight_first(piece, step) / (4 / WEIGHT_UNIT) + i * WEIGHT_STRIDE(piece)];
}
uint weight_skipped(uint piece, uint step) { return weight_first(piece, step) % (4 / WEIGHT_UNIT) * WEIGHT_UNIT; }
#include "Common/weight_step.glsl"

#define STEPS (VALUE_SIZE / WEIGHT_STEP)
#endif

void main() {
  const uint lane = gl_SubgroupInvocationID;
  const uint split = gl_WorkGroupID.x, chunk = gl_WorkGroupID.y, part_set = gl_WorkGroupID.z;
  const uint set = set_of(part_set / part_heads, part_set % part_heads);
  const uint tile = set * ROW_TILES + chunk * ROWS / ROW_TILE;
  const uint first = split * SPLIT_TILES, end = min(first + SPLIT_TILES, uint(counts.v[tile]));
  if (first >= end) return;
  const uint chunks = part_set * gl_NumWorkGroups.y + chunk;
  const uint target = (chunks * splits + split) * KEYS_AT_ONCE * ROWS * VALUE_SIZE;

#ifdef VALUE_PLAIN
  VALUE_WORD sum[ROWS][LANE_WORDS];
  [[unroll]] for (int r = 0; r < ROWS; r++) {
    [[unroll]] for (int w = 0; w < LANE_WORDS; w++) sum[r][w] = VALUE_WORD(0.0);
  }
  for (uint entry = first; entry < end; entry++) {
    const uint base = uint(list.v[tile * KEY_TILES + entry] & ~FULL_TILE) * KEY_TILE;
    const uint slots = (chunks * KEY_TILES + entry) * KEY_TILE;
    [[dont_unroll]] for (uint i = 0; i < KEY_TILE; i++) {
      float weight[ROWS], most = 0.0;
      [[unroll]] for (int r = 0; r < ROWS; r++) {
        weight[r] = weights.v[(slots + i) * ROWS + r];
        most = max(most, weight[r]);
      }
      const uint cell = (part_set * capacity + min(base + i, capacity - 1)) * VALUE_WORDS;
      [[unroll]] for (int w = 0; w < LANE_WORDS; w++) {
        const VALUE_WORD stored = unpack_value(v.v[cell + min(w * SUBGROUP + lane, VALUE_WORDS - 1)]);
        // What is in a cell that no row sees may be no number.
        const VALUE_WORD elements = most > 0.0 ? stored : VALUE_WORD(0.0);
        [[unroll]] for (int r = 0; r < ROWS; r++) sum[r][w] = fma(VALUE_WORD(weight[r]), elements, sum[r][w]);
      }
    }
  }
  [[unroll]] for (int r = 0; r < ROWS; r++) {
    [[unroll]] for (int w = 0; w < LANE_WORDS; w++) {
      const uint word = w * SUBGROUP + lane;
      if (word < VALUE_WORDS) {
        STORE_VALUES(partials, target + r * VALUE_SIZE + word * VALUE_ELEMENTS, sum[r][w]);
      }
    }
  }
#else
  cell_count = gl_NumWorkGroups.z * capacity;
  // More steps than lanes take turns.
  [[dont_unroll]] for (uint round = 0; round < (STEPS + SUBGROUP - 1) / SUBGROUP; round++) {
    const uint own = lane / min(STEPS, SUBGROUP), step = round * SUBGROUP + lane % min(STEPS, SUBGROUP);
    float sum[ROWS][WEIGHT_STEP];
    [[unroll]] for (int r = 0; r < ROWS; r++) {
      [[unroll]] for (int e = 0; e < WEIGHT_STEP; e++) sum[r][e] = 0.0;
    }
    if (own < KEYS_AT_ONCE && step < STEPS) {
      for (uint entry = first; entry < end; entry++) {
        const uint base = uint(list.v[tile * KEY_TILES + entry] & ~FULL_TILE) * KEY_TILE;
        const uint slots = (chunks * KEY_TILES + entry) * KEY_TILE;
        [[dont_unroll]] for (uint i = own; i < KEY_TILE; i += KEYS_AT_ONCE) {
          float weight[ROWS], most = 0.0;
          [[unroll]] for (int r = 0; r < ROWS; r++) {
            weight[r] = weights.v[(slots + i) * ROWS + r];
            most = max(most, weight[r]);
          }
          weight_row = part_set * capacity + min(base + i, capacity - 1);
          weight_load_step(step, 0);
          [[unroll]] for (uint g = 0; g < WEIGHT_GROUPS; g++) {
            // What is in a cell that no row sees may be no number.
            const float scale = most > 0.0 ? weight_scale(step, g) : 0.0, offset = most > 0.0 ? weight_offset(step, g) : 0.0;
            float scaled[ROWS];
            [[unroll]] for (int r = 0; r < ROWS; r++) scaled[r] = weight[r] * scale;
            [[unroll]] for (uint i = 0; i < WEIGHT_GROUP_ELEMENTS; i++) {
              const uint e = g * WEIGHT_GROUP_ELEMENTS + i;
              const float code = weight_code(step, e);
#ifdef WEIGHT_OFFSETS
              const float value = weight_from(code, scale, offset);
              [[unroll]] for (int r = 0; r < ROWS; r++) sum[r][e] = fma(weight[r], value, sum[r][e]);
#else
              [[unroll]] for (int r = 0; r < ROWS; r++) sum[r][e] = fma(scaled[r], code, sum[r][e]);
#endif
            }
          }
        }
      }
      [[unroll]] for (int r = 0; r < ROWS; r++) {
        [[unroll]] for (int e = 0; e < WEIGHT_STEP; e++) {
          partials.v[target + (own * ROWS + r) * VALUE_SIZE + step * WEIGHT_STEP + e] = sum[r][e];
        }
      }
    }
  }
#endif
}
