// Scores of a chunk of ROWS rows over a split of SPLIT_TILES tiles of the list, and their softmax but for what other splits say:
// weights[slot, r] = exp(score - m), and m and Σ exp(score - m) of each row to `sums`; 0 for cells that a row does not see.
//
// One subgroup per (split, chunk of rows, key-value head of the part in all sequences). A cell's key belongs to KEY_LANES
// neighbouring lanes, which add up what they have of it. Plain keys (KEY_F32, KEY_F16, KEY_BF16) are read in units of 16 bytes; others in the steps of their
// format, decoded once for all rows. Slots of `weights` count the cells of the listed tiles in their order.
// Preconditions: the workgroup is one subgroup of SUBGROUP lanes (specialization constant 0), KEY_LANES, a power of two, divides
// it; q and plain keys are 16-byte aligned; ROWS divides ROW_TILE.
#version 460
#include "Common/buffers.glsl"
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#if KEY_LANES > 1
#extension GL_KHR_shader_subgroup_shuffle : require
#endif
#if defined(KEY_F32) || defined(KEY_F16) || defined(KEY_BF16)
#define KEY_PLAIN
BUFFER_ALIGNED(1, readonly, uvec4, Keys, k, 16)
#else
BUFFER(1, readonly, uint, Keys, k)
#endif
BUFFER_ALIGNED(0, readonly, vec4, Queries, q, 16)
BUFFER(2, readonly, int, Positions, positions)
BUFFER(3, readonly, int, KeyPositions, key_positions)
BUFFER(4, readonly, int, Lengths, lengths)
BUFFER(5, readonly, int, Totals, totals)
BUFFER(6, readonly, uint, MaskWords, mask)
BUFFER(7, readonly, uint, ScoreWords, score_words)
BUFFER(8, readonly, int, Counts, counts)
BUFFER(9, readonly, int, List, list)
BUFFER(10, readwrite, float, Weights, weights)
BUFFER(11, writeonly, float, Sums, sums)
#define LATTICE_BINDING 12
#include "Common/lattice_buffer.glsl"
CONSTANTS(ADDRESS(Queries, q) ADDRESS(Keys, k) ADDRESS(Positions, positions) ADDRESS(KeyPositions, key_positions)
          ADDRESS(Lengths, lengths) ADDRESS(Totals, totals) ADDRESS(MaskWords, mask) ADDRESS(ScoreWords, score_words)
          ADDRESS(Counts, counts) ADDRESS(List, list) ADDRESS(Weights, weights) ADDRESS(Sums, sums) LATTICE_ADDRESS
          uint tokens; uint capacity; uint first_head; uint part_heads; uint splits; float scale;)
layout(local_size_x_id = 0) in;
#include "Attention/attention.glsl"

#define KEYS_AT_ONCE (SUBGROUP / KEY_LANES)

uint row_index[ROWS];
// Sums of products of each row with the cell's key, of the part that this lane reads.
float dots[ROWS];

#ifdef KEY_PLAIN
#include "Attention/plain_cache.glsl"

void multiply_key(uint cell) {
  const uint part = gl_SubgroupInvocationID % KEY_LANES;
  [[unroll]] for (int r = 0; r < ROWS; r++) dots[r] = 0.0;
  for (uint u = part; u < KEY_UNITS; u += KEY_LANES) {
    const KeyUnit unit = unpack_key(k.v[cell * KEY_UNITS + u]);
    [[unroll]] for (int r = 0; r < ROWS; r++) {
      [[unroll]] for (int i = 0; i < KEY_PARTS; i++) {
        dots[r] = add_dot(q.v[row_index[r] * (KEY_SIZE / 4) + u * KEY_PARTS + i], unit.part[i], dots[r]);
      }
    }
  }
}
#else
#define WEIGHT_BY_STEPS
#define WEIGHT_LOAD(i) k.v[i]
#define WEIGHT_ROWS cell_count
#define WEIGHT_COLUMNS KEY_SIZE
uint cell_count;
#include "Common/weights.glsl"

uint weight_first(uint piece, uint step) { return weight_row_start(piece, weight_row) + weight_step_start(piece, step); }
uint weight_load(uint piece, uint step, uint i) {
  return k.v[weight_first(piece, step) / (4 / WEIGHT_UNIT) + i * WEIGHT_STRIDE(piece)];
}
uint weight_skipped(uint piece, uint step) { return weight_first(piece, step) % (4 / WEIGHT_UNIT) * WEIGHT_UNIT; }
#include "Common/weight_step.glsl"

void multiply_key(uint cell) {
  const uint part = gl_SubgroupInvocationID % KEY_LANES;
  [[unroll]] for (int r = 0; r < ROWS; r++) dots[r] = 0.0;
  weight_row = cell;
  for (uint step = part; step < KEY_SIZE / WEIGHT_STEP; step += KEY_LANES) {
    weight_load_step(step, 0);
    [[unroll]] for (uint g = 0; g < WEIGHT_GROUPS; g++) {
      const float scale_of_group = weight_scale(step, g), offset = weight_offset(step, g);
      float products[ROWS];
      [[unroll]] for (int r = 0; r < ROWS; r++) products[r] = 0.0;
      [[unroll]] for (uint i = 0; i < WEIGHT_GROUP_ELEMENTS; i += 4) {
        vec4 values;
        [[unroll]] for (uint e = 0; e < 4; e++) {
          const float code = weight_code(step, g * WEIGHT_GROUP_ELEMENTS + i + e);
#ifdef WEIGHT_OFFSETS
          values[e] = weight_from(code, scale_of_group, offset);
#else
          values[e] = code;
#endif
        }
        const uint unit = (step * WEIGHT_STEP + g * WEIGHT_GROUP_ELEMENTS + i) / 4;
        [[unroll]] for (int r = 0; r < ROWS; r++) {
          products[r] = add_dot(q.v[row_index[r] * (KEY_SIZE / 4) + unit], values, products[r]);
        }
      }
#ifdef WEIGHT_OFFSETS
      [[unroll]] for (int r = 0; r < ROWS; r++) dots[r] += products[r];
#else
      [[unroll]] for (int r = 0; r < ROWS; r++) dots[r] = fma(scale_of_group, products[r], dots[r]);
#endif
    }
  }
}
#endif

void main() {
  const uint lane = gl_SubgroupInvocationID;
  const uint split = gl_WorkGroupID.x, chunk = gl_WorkGroupID.y, part_set = gl_WorkGroupID.z;
  const uint set = set_of(part_set / part_heads, part_set % part_heads);
  const uint tile = set * ROW_TILES + chunk * ROWS / ROW_TILE;
  const uint first = split * SPLIT_TILES, end = min(first + SPLIT_TILES, uint(counts.v[tile]));
  if (first >= end) return;
  const int length = totals.v[part_set / part_heads];
#ifndef KEY_PLAIN
  cell_count = gl_NumWorkGroups.z * capacity;
#endif
  Row rows[ROWS];
  float largest[ROWS], total[ROWS];
  [[unroll]] for (int r = 0; r < ROWS; r++) {
    // A chunk that is not full computes its last row again.
    rows[r] = row_at(set, min(chunk * ROWS + r, tokens * GROUP - 1));
    row_index[r] = rows[r].index;
    largest[r] = LOWEST;
    total[r] = 0.0;
  }
  const uint slots = (part_set * gl_NumWorkGroups.y + chunk) * KEY_TILES * KEY_TILE;
  for (uint entry = first; entry < end; entry++) {
    const int listed = list.v[tile * KEY_TILES + entry];
    const bool full = (listed & FULL_TILE) != 0;
    const uint base = uint(listed & ~FULL_TILE) * KEY_TILE;
    [[dont_unroll]] for (uint i = 0; i < KEY_TILE; i += KEYS_AT_ONCE) {
      const uint place = i + lane / KEY_LANES, cell = base + place;
      const bool inside = KEYS_AT_ONCE <= KEY_TILE || place < KEY_TILE;
      const int key = inside ? cell_position(set, cell) : -1;
      // Cells that nobody wrote are read, but count for nothing.
      multiply_key(part_set * capacity + min(cell, capacity - 1));
      // Which rows see the key. Not unrolled: a mask may be long, and drivers would compile it once for each.
      uint seen = full && inside ? (1u << ROWS) - 1 : 0u;
      if (!full) {
        [[dont_unroll]] for (uint r = 0; r < ROWS; r++) {
          if (row_sees(row_at(set, min(chunk * ROWS + r, tokens * GROUP - 1)), key, length)) seen |= 1u << r;
        }
      }
      [[unroll]] for (int r = 0; r < ROWS; r++) {
        float dot = dots[r];
#if KEY_LANES > 1
        [[unroll]] for (uint other = 1; other < KEY_LANES; other *= 2) dot += subgroupShuffleXor(dot, other);
#endif
        const bool sees = (seen >> r & 1u) != 0;
        const float score = sees ? score_modified(scale * dot, rows[r].head, rows[r].position, key) : LOWEST;
        largest[r] = max(largest[r], score);
        if (inside && lane % KEY_LANES == 0) weights.v[(slots + entry * KEY_TILE + place) * ROWS + r] = score;
      }
    }
  }
  [[unroll]] for (int r = 0; r < ROWS; r++) largest[r] = subgroupMax(largest[r]);
  for (uint entry = first; entry < end; entry++) {
    for (uint i = 0; i < KEY_TILE; i += KEYS_AT_ONCE) {
      const uint place = i + lane / KEY_LANES;
      if ((KEYS_AT_ONCE <= KEY_TILE || place < KEY_TILE) && lane % KEY_LANES == 0) {
        [[unroll]] for (int r = 0; r < ROWS; r++) {
          const uint slot = (slots + entry * KEY_TILE + place) * ROWS + r;
          // What this lane wrote itself.
          const float score = weights.v[slot];
          const float weight = score == LOWEST ? 0.0 : exp(score - largest[r]);
          weights.v[slot] = weight;
          total[r] += weight;
        }
      }
    }
  }
  [[unroll]] for (int r = 0; r < ROWS; r++) {
    const float whole = subgroupAdd(total[r]);
    if (lane == 0) {
      const uint place = (((part_set * gl_NumWorkGroups.y + chunk) * splits + split) * ROWS + r) * 2;
      sums.v[place] = largest[r];
      sums.v[place + 1] = whole;
    }
  }
}
