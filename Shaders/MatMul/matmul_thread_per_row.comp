// y[j, i] = Σ_k weight[i, k] · x[j, k] (+ bias[i]) for COLUMNS columns j at once.
//
// A lane owns ROWS rows, SUBGROUP apart; a workgroup is one subgroup of SUBGROUP lanes. The rows are walked in chunks of
// CHUNK elements: the lanes together load a chunk of each column of x, one element each, and every lane gets every
// element by broadcast. So a weight is read once, x once per SUBGROUP · ROWS rows, and nothing is shared or reduced. The
// order of each sum depends on neither ROWS nor COLUMNS.
//
// SHIFTED: rows may begin with the second half of a 32-bit word, as every other block does. Without it the rows must be
// whole words, and all shifts are constants.
// Preconditions: SUBGROUP is a power of two of at most 64, and subgroups are full.
#version 460
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_ballot : require
#include "Common/buffers.glsl"
BUFFER(0, readonly, uint, Weight, weight)
BUFFER(1, readonly, float, Input, x)
// Without a bias its binding is never read.
BUFFER(2, readonly, float, Bias, bias)
BUFFER(3, writeonly, float, Output, y)
CONSTANTS(ADDRESS(Weight, weight) ADDRESS(Input, x) ADDRESS(Bias, bias) ADDRESS(Output, y)
          uint m; uint k; uint has_bias;)
layout(local_size_x = SUBGROUP) in;

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
#define CHAINS 2
#else
#define CHUNK 32
#define CHUNK_WORDS (CHUNK / WEIGHT_WORD_CODES)
#define CHAINS 4
#endif
#define CHUNK_LOADS ((CHUNK + SUBGROUP - 1) / SUBGROUP)

float sums[ROWS][COLUMNS];
// The chunk of x: element e is in lane e % SUBGROUP of load e / SUBGROUP.
float loaded[COLUMNS][CHUNK_LOADS];

void load_chunk(uint start, uint lane) {
  [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
    [[unroll]] for (uint i = 0; i < CHUNK_LOADS; i++) {
      uint l = start + i * SUBGROUP + lane;
#if SUBGROUP > CHUNK
      l = min(l, k - 1);
#endif
      loaded[j][i] = x.v[j * k + l];
    }
  }
}

float element(uint j, uint e) { return subgroupBroadcast(loaded[j][e / SUBGROUP], e % SUBGROUP); }

#ifdef WEIGHT_SCALED
// Adds block `b` of the chunk, whose words are in `words`, to the sums of all rows.
void add_block(uint b, uint words[ROWS][WEIGHT_BLOCK_WORDS], float scales[ROWS]) {
  float parts[ROWS][COLUMNS][CHAINS];
  [[unroll]] for (uint p = 0; p < WEIGHT_BLOCK_WORDS; p++) {
    [[unroll]] for (uint c = 0; c < WEIGHT_WORD_CODES; c++) {
      [[unroll]] for (uint r = 0; r < ROWS; r++) {
        const float code = weight_code(words[r][p], c);
        [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
          const float value = element(j, b * WEIGHT_BLOCK + weight_position(p, c));
          const bool first = p == 0 && c < CHAINS;
          parts[r][j][c % CHAINS] = first ? code * value : fma(code, value, parts[r][j][c % CHAINS]);
        }
      }
    }
  }
  [[unroll]] for (uint r = 0; r < ROWS; r++) {
    [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
      sums[r][j] = fma(scales[r], parts[r][j][0] + parts[r][j][1], sums[r][j]);
    }
  }
}
#endif

void main() {
  const uint lane = gl_SubgroupInvocationID;
  const uint first = gl_WorkGroupID.x * (SUBGROUP * ROWS) + lane;
  uint starts[ROWS];
  [[unroll]] for (uint r = 0; r < ROWS; r++) {
    // Lanes past the end repeat the last row: broadcasts need every lane.
    starts[r] = min(first + r * SUBGROUP, m - 1) * (k / WEIGHT_BLOCK * WEIGHT_BLOCK_HALVES);
    [[unroll]] for (uint j = 0; j < COLUMNS; j++) sums[r][j] = 0.0;
  }

#ifdef WEIGHT_SCALED
  for (uint start = 0; start < k; start += CHUNK) {
    load_chunk(start, lane);
    uint raw[ROWS][CHUNK_BLOCKS * WEIGHT_BLOCK_WORDS + 1];
    uint words[ROWS][WEIGHT_BLOCK_WORDS];
    float scales[ROWS];
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
      [[unroll]] for (uint i = 0; i < raw[r].length(); i++) raw[r][i] = weight.v[(starts[r] >> 1) + i];
    }
    [[unroll]] for (uint b = 0; b < CHUNK_BLOCKS; b++) {
      [[unroll]] for (uint r = 0; r < ROWS; r++) {
#ifdef SHIFTED
        const bool second = (starts[r] & 1u) == 1u;
#else
        const bool second = b == 1;
#endif
        const uint base = b * WEIGHT_BLOCK_WORDS;
        scales[r] = unpackHalf2x16(second ? raw[r][base] >> 16 : raw[r][base]).x;
        [[unroll]] for (uint p = 0; p < WEIGHT_BLOCK_WORDS; p++) {
          words[r][p] = second ? raw[r][base + p + 1] : weight_straddling(raw[r][base + p], raw[r][base + p + 1]);
        }
      }
      add_block(b, words, scales);
    }
    [[unroll]] for (uint r = 0; r < ROWS; r++) starts[r] += CHUNK_BLOCKS * WEIGHT_BLOCK_HALVES;
  }
#else
  float chains[ROWS][COLUMNS][CHAINS];
  [[unroll]] for (uint r = 0; r < ROWS; r++) {
    [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
      [[unroll]] for (uint a = 0; a < CHAINS; a++) chains[r][j][a] = 0.0;
    }
  }
  const uint whole = k / CHUNK * CHUNK;
  for (uint start = 0; start < whole; start += CHUNK) {
    load_chunk(start, lane);
    [[unroll]] for (uint p = 0; p < CHUNK_WORDS; p++) {
      [[unroll]] for (uint r = 0; r < ROWS; r++) {
#ifdef SHIFTED
        const uint bits = weight_bits(starts[r] + 2 * p);
#else
        const uint bits = weight.v[(starts[r] >> 1) + p];
#endif
        [[unroll]] for (uint c = 0; c < WEIGHT_WORD_CODES; c++) {
          const uint e = p * WEIGHT_WORD_CODES + c;
          const float code = weight_code(bits, c);
          [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
            chains[r][j][e % CHAINS] = fma(code, element(j, e), chains[r][j][e % CHAINS]);
          }
        }
      }
    }
    [[unroll]] for (uint r = 0; r < ROWS; r++) starts[r] += CHUNK * WEIGHT_BLOCK_HALVES;
  }
  [[unroll]] for (uint r = 0; r < ROWS; r++) {
    [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
      sums[r][j] = (chains[r][j][0] + chains[r][j][1]) + (chains[r][j][2] + chains[r][j][3]);
    }
  }
  for (uint l = whole; l < k; l++) {
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
      const float code = weight_element(starts[r] + (l - whole) * WEIGHT_BLOCK_HALVES, 0);
      [[unroll]] for (uint j = 0; j < COLUMNS; j++) sums[r][j] = fma(code, x.v[j * k + l], sums[r][j]);
    }
  }
#endif

  [[unroll]] for (uint r = 0; r < ROWS; r++) {
    const uint row = first + r * SUBGROUP;
    if (row >= m) break;
    [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
      y.v[j * m + row] = has_bias != 0 ? sums[r][j] + bias.v[row] : sums[r][j];
    }
  }
}
