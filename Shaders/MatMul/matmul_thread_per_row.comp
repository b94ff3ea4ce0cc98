// y[j, i] = Σ_k weight[i, k] · x[j, k] (+ bias[i]) for COLUMNS columns j at once.
//
// A lane owns a row; a workgroup is one subgroup of LANES lanes. Rows are walked in chunks of CHUNK elements, whose weights
// are read once for all columns. Nothing is shared or reduced, and the order of each sum depends on neither COLUMNS nor how
// memory is read:
// - UNIFORM_LOADS: every load is from an address that all lanes share, and each lane keeps the word of its own row. For
//   drivers of CPUs that load such a word once and spread it, for which a gather costs more than LANES loads.
// - otherwise: each lane reads its own row; the lanes together load a chunk of each column of x, one element each, and get
//   every element by broadcast.
//
// SHIFTED: rows may begin with the second half of a 32-bit word, as every other block does. Without it the rows must be
// whole words, and all shifts are constants.
// Preconditions: LANES is a power of two of at most 64; subgroups are full.
#version 460
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#ifndef UNIFORM_LOADS
#extension GL_KHR_shader_subgroup_ballot : require
#endif
#include "Common/buffers.glsl"
BUFFER(0, readonly, uint, Weight, weight)
BUFFER(1, readonly, float, Input, x)
// Without a bias its binding is never read.
BUFFER(2, readonly, float, Bias, bias)
BUFFER(3, writeonly, float, Output, y)
CONSTANTS(ADDRESS(Weight, weight) ADDRESS(Input, x) ADDRESS(Bias, bias) ADDRESS(Output, y)
          uint m; uint k; uint has_bias;)
layout(local_size_x = LANES) in;

#define WEIGHT_WORD(i) weight.v[i]
#include "Common/weights.glsl"

#ifdef WEIGHT_SCALED
// Two blocks are a whole number of words.
#ifdef SHIFTED
#define CHUNK_BLOCKS 1
#else
#define CHUNK_BLOCKS 2
#endif
#define CHUNK (CHUNK_BLOCKS * WEIGHT_BLOCK)
#define CHUNK_WORDS (CHUNK_BLOCKS * WEIGHT_BLOCK_WORDS + 1)
#define CHAINS 2
#else
#define CHUNK 32
#define CHUNK_WORDS (CHUNK / WEIGHT_WORD_CODES)
#define CHAINS 4
#endif

float sums[COLUMNS];
// Where the chunk begins: in a column of x, and in rows of the weight in halves.
uint start;

#ifdef UNIFORM_LOADS
uint row_starts[LANES];

void begin_rows(uint first, uint row_halves) {
  [[unroll]] for (uint l = 0; l < LANES; l++) row_starts[l] = min(first + l, m - 1) * row_halves;
}

void begin_chunk(uint lane) {}

// The word of this lane's row in which half `offset` of the chunk is.
uint chunk_word(uint lane, uint offset) {
  uint word = weight.v[(row_starts[0] + offset) >> 1];
  [[unroll]] for (uint l = 1; l < LANES; l++) {
    const uint other = weight.v[(row_starts[l] + offset) >> 1];
    word = lane == l ? other : word;
  }
  return word;
}

float element(uint j, uint e) { return x.v[j * k + start + e]; }
#else
#define CHUNK_LOADS ((CHUNK + LANES - 1) / LANES)
uint row_starts[1];
// Element e of the chunk of x is in lane e % LANES of load e / LANES.
float loaded[COLUMNS][CHUNK_LOADS];

void begin_rows(uint first, uint row_halves) {
  row_starts[0] = min(first + gl_SubgroupInvocationID, m - 1) * row_halves;
}

void begin_chunk(uint lane) {
  [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
    [[unroll]] for (uint i = 0; i < CHUNK_LOADS; i++) {
      uint l = start + i * LANES + lane;
#if LANES > CHUNK
      l = min(l, k - 1);
#endif
      loaded[j][i] = x.v[j * k + l];
    }
  }
}

uint chunk_word(uint lane, uint offset) { return weight.v[(row_starts[0] + offset) >> 1]; }

float element(uint j, uint e) { return subgroupBroadcast(loaded[j][e / LANES], e % LANES); }
#endif

void end_chunk() {
  [[unroll]] for (uint l = 0; l < row_starts.length(); l++) row_starts[l] += CHUNK / WEIGHT_BLOCK * WEIGHT_BLOCK_HALVES;
}

#ifdef WEIGHT_SCALED
// Adds block `b` of the chunk to the sums.
void add_block(uint b, uint words[WEIGHT_BLOCK_WORDS], float scale) {
  float parts[COLUMNS][CHAINS];
  [[unroll]] for (uint p = 0; p < WEIGHT_BLOCK_WORDS; p++) {
    [[unroll]] for (uint c = 0; c < WEIGHT_WORD_CODES; c++) {
      const float code = weight_code(words[p], c);
      [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
        const float value = element(j, b * WEIGHT_BLOCK + weight_position(p, c));
        const uint chain = c % CHAINS;
        parts[j][chain] = p == 0 && c < CHAINS ? code * value : fma(code, value, parts[j][chain]);
      }
    }
  }
  [[unroll]] for (uint j = 0; j < COLUMNS; j++) sums[j] = fma(scale, parts[j][0] + parts[j][1], sums[j]);
}

void sum_row(uint row, uint lane) {
  // Whether a block begins with the second half of a word: two words of it straddle, or none.
  bool second = (row * (k / WEIGHT_BLOCK * WEIGHT_BLOCK_HALVES) & 1u) == 1u;
  for (start = 0; start < k; start += CHUNK) {
    begin_chunk(lane);
    uint raw[CHUNK_WORDS];
    [[unroll]] for (uint i = 0; i < CHUNK_WORDS; i++) raw[i] = chunk_word(lane, 2 * i);
    [[unroll]] for (uint b = 0; b < CHUNK_BLOCKS; b++) {
#ifndef SHIFTED
      second = b == 1;
#endif
      const uint base = b * WEIGHT_BLOCK_WORDS;
      uint words[WEIGHT_BLOCK_WORDS];
      [[unroll]] for (uint p = 0; p < WEIGHT_BLOCK_WORDS; p++) {
        words[p] = second ? raw[base + p + 1] : weight_straddling(raw[base + p], raw[base + p + 1]);
      }
      add_block(b, words, unpackHalf2x16(second ? raw[base] >> 16 : raw[base]).x);
    }
    second = !second;
    end_chunk();
  }
}
#else
void sum_row(uint row, uint lane) {
  float parts[COLUMNS][CHAINS];
  [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
    [[unroll]] for (uint a = 0; a < CHAINS; a++) parts[j][a] = 0.0;
  }
  const uint whole = k / CHUNK * CHUNK;
  for (start = 0; start < whole; start += CHUNK) {
    begin_chunk(lane);
#ifdef SHIFTED
    const bool second = (row * k & 1u) == 1u;
    uint low = chunk_word(lane, 0);
#endif
    [[unroll]] for (uint p = 0; p < CHUNK_WORDS; p++) {
#ifdef SHIFTED
      // A row that begins within a word ends within another; the rest read their last word twice.
      const uint high = chunk_word(lane, p + 1 == CHUNK_WORDS ? CHUNK - 1 : 2 * p + 2);
      const uint bits = second ? weight_straddling(low, high) : low;
      low = high;
#else
      const uint bits = chunk_word(lane, p * WEIGHT_BLOCK_HALVES * WEIGHT_WORD_CODES);
#endif
      [[unroll]] for (uint c = 0; c < WEIGHT_WORD_CODES; c++) {
        const uint e = p * WEIGHT_WORD_CODES + c;
        const float code = weight_code(bits, c);
        [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
          parts[j][e % CHAINS] = fma(code, element(j, e), parts[j][e % CHAINS]);
        }
      }
    }
    end_chunk();
  }
  [[unroll]] for (uint j = 0; j < COLUMNS; j++) sums[j] = (parts[j][0] + parts[j][1]) + (parts[j][2] + parts[j][3]);
  for (uint l = whole; l < k; l++) {
    const float code = weight_at(row, l, k);
    [[unroll]] for (uint j = 0; j < COLUMNS; j++) sums[j] = fma(code, x.v[j * k + l], sums[j]);
  }
}
#endif

void main() {
  const uint lane = gl_SubgroupInvocationID;
  const uint first = gl_WorkGroupID.x * LANES;
  // Lanes past the end repeat the last row: broadcasts need every lane.
  const uint row = min(first + lane, m - 1);
  [[unroll]] for (uint j = 0; j < COLUMNS; j++) sums[j] = 0.0;
  begin_rows(first, k / WEIGHT_BLOCK * WEIGHT_BLOCK_HALVES);
  sum_row(row, lane);
  if (first + lane >= m) return;
  [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
    y.v[j * m + row] = has_bias != 0 ? sums[j] + bias.v[row] : sums[j];
  }
}
