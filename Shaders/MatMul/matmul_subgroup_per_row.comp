// y[j, i] = Σ_k weight[i, k] · x[j, k] (+ bias[i]) for COLUMNS columns j at once.
//
// A subgroup of SUBGROUP lanes owns ROWS consecutive rows; specialization constant 0 is the size of the workgroup, a whole
// number of subgroups. Lane l takes words l, l + SUBGROUP, … of a row's codes, so that the lanes together read consecutive
// memory, and uses what it loads of x for all rows. subgroupAdd makes one sum of the lanes' sums. The order of each sum
// depends on neither ROWS nor COLUMNS.
//
// SHIFTED: rows of f16 are no whole number of 32-bit words. Blocks with a scale are read at any half.
// Preconditions: subgroups are full.
#version 460
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#include "Common/buffers.glsl"
BUFFER(0, readonly, uint, Weight, weight)
BUFFER(1, readonly, float, Input, x)
// Without a bias its binding is never read.
BUFFER(2, readonly, float, Bias, bias)
BUFFER(3, writeonly, float, Output, y)
CONSTANTS(ADDRESS(Weight, weight) ADDRESS(Input, x) ADDRESS(Bias, bias) ADDRESS(Output, y)
          uint m; uint k; uint has_bias;)
layout(local_size_x_id = 0) in;

#define WEIGHT_WORD(i) weight.v[i]
#include "Common/weights.glsl"

// Words that a lane loads before it uses the first.
#define UNROLL 4

uint starts[ROWS];
float sums[ROWS][COLUMNS];

// Adds COUNT words of codes, SUBGROUP apart, to the sums.
#define ADD_WORDS(COUNT, word)                                                                        \
  {                                                                                                   \
    uint bits[COUNT][ROWS];                                                                           \
    float scales[COUNT][ROWS];                                                                        \
    [[unroll]] for (uint u = 0; u < COUNT; u++) {                                                     \
      [[unroll]] for (uint r = 0; r < ROWS; r++) load(r, word + u * SUBGROUP, bits[u][r], scales[u][r]); \
    }                                                                                                 \
    [[unroll]] for (uint u = 0; u < COUNT; u++) add(word + u * SUBGROUP, bits[u], scales[u]);         \
  }

void load(uint r, uint word, out uint bits, out float scale) {
#if defined(WEIGHT_SCALED)
  const uint block = starts[r] + word / WEIGHT_BLOCK_WORDS * WEIGHT_BLOCK_HALVES;
  scale = weight_half_float(block);
  bits = weight_bits(block + 1 + 2 * (word % WEIGHT_BLOCK_WORDS));
#else
  scale = 1.0;
#ifdef SHIFTED
  bits = weight_bits(starts[r] + 2 * word);
#else
  bits = weight.v[(starts[r] >> 1) + word];
#endif
#endif
}

void add(uint word, uint bits[ROWS], float scales[ROWS]) {
#ifdef WEIGHT_SCALED
  const uint column = word / WEIGHT_BLOCK_WORDS * WEIGHT_BLOCK;
  const uint within = word % WEIGHT_BLOCK_WORDS;
#else
  const uint column = 0;
  const uint within = word;
#endif
  [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
    float values[WEIGHT_WORD_CODES];
    [[unroll]] for (uint c = 0; c < WEIGHT_WORD_CODES; c++) values[c] = x.v[j * k + column + weight_position(within, c)];
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
#ifdef WEIGHT_SCALED
      float sum = weight_code(bits[r], 0) * values[0];
      [[unroll]] for (uint c = 1; c < WEIGHT_WORD_CODES; c++) sum = fma(weight_code(bits[r], c), values[c], sum);
      sums[r][j] = fma(scales[r], sum, sums[r][j]);
#else
      [[unroll]] for (uint c = 0; c < WEIGHT_WORD_CODES; c++) {
        sums[r][j] = fma(weight_code(bits[r], c), values[c], sums[r][j]);
      }
#endif
    }
  }
}

void main() {
  const uint lane = gl_SubgroupInvocationID;
  const uint first = (gl_WorkGroupID.x * gl_NumSubgroups + gl_SubgroupID) * ROWS;
  if (first >= m) return;
  [[unroll]] for (uint r = 0; r < ROWS; r++) {
    // Rows past the end repeat the last one.
    starts[r] = min(first + r, m - 1) * (k / WEIGHT_BLOCK * WEIGHT_BLOCK_HALVES);
    [[unroll]] for (uint j = 0; j < COLUMNS; j++) sums[r][j] = 0.0;
  }

#ifdef WEIGHT_SCALED
  const uint words = k / WEIGHT_BLOCK * WEIGHT_BLOCK_WORDS;
#else
  const uint words = k / WEIGHT_WORD_CODES;
#endif
  uint word = lane;
  // Subgroup-uniform: whole steps for all lanes, then one word at a time.
  const uint whole = words / (UNROLL * SUBGROUP) * (UNROLL * SUBGROUP);
  for (; word < whole; word += UNROLL * SUBGROUP) ADD_WORDS(UNROLL, word)
  for (; word < words; word += SUBGROUP) ADD_WORDS(1, word)
#if WEIGHT_WORD_CODES > 1 && !defined(WEIGHT_SCALED)
  // An odd row of f16 ends with half a word.
  if (lane == 0 && k % WEIGHT_WORD_CODES != 0) {
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
      const float code = weight_element(starts[r] + k - 1, 0);
      [[unroll]] for (uint j = 0; j < COLUMNS; j++) sums[r][j] = fma(code, x.v[j * k + k - 1], sums[r][j]);
    }
  }
#endif

  [[unroll]] for (uint r = 0; r < ROWS; r++) {
    [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
      const float sum = subgroupAdd(sums[r][j]);
      if (lane != 0 || first + r >= m) continue;
      y.v[j * m + first + r] = has_bias != 0 ? sum + bias.v[first + r] : sum;
    }
  }
}
