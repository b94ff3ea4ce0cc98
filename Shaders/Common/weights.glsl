// Decoding of stored weights, one format by macro.
//
// A row is walked in steps of WEIGHT_STEP elements. What decodes a step lies in pieces: neighbouring bytes, such as the scale of
// a block, its codes, or the codes and the scales of a format that keeps them in sections. Positions are counted in units of
// WEIGHT_UNIT bytes; a piece begins at any unit, and is read as 32-bit words, the first byte lowest, whatever its position.
//
// The including shader requires GL_EXT_control_flow_attributes, sets weight_row before it uses any of this, and defines
//   WEIGHT_LOAD(i)       the i-th 32-bit word of the tensor
//   WEIGHT_ROWS, WEIGHT_COLUMNS  its shape
//   WEIGHT_LEVEL_LANES   if the lanes of its subgroups, so many, keep the levels in registers: all lanes then decode together, rows
//                        with the same levels, after weight_load_levels(); requires GL_KHR_shader_subgroup_shuffle
//   WEIGHT_BY_STEPS      if it loads whole steps with Common/weight_step.glsl; otherwise every word is loaded where it is used
//
// A format file in Common/Formats defines
//   WEIGHT_STEP          elements of a step, a multiple of 32
//   WEIGHT_UNIT          1, 2 or 4
//   WEIGHT_PIECES        pieces of a step
//   weight_piece_bytes[] bytes of each piece, a multiple of WEIGHT_UNIT but for plain numbers never less than what is used
//   weight_piece_aligned[] whether the piece always begins at a whole word
//   WEIGHT_WORDS         words of all pieces together, each piece rounded up; words are numbered through all pieces
//   WEIGHT_PERIOD        after how many steps the positions of all pieces have moved by whole words; 0: that depends
//   WEIGHT_STRIDE(piece) words from one word of a piece to its next, if not 1; its pieces are whole words then
//   float weight_code(uint step, uint e)   element e of the step but for scale and offset, exactly
// and for formats with scales
//   WEIGHT_SCALED        that the value is scale · code, rounded once
//   WEIGHT_OFFSETS       that it is code · scale + offset
//   WEIGHT_LONG_SCALES   that a product may have more than 24 bits, and is then rounded before the offset is added
//   WEIGHT_GROUPS        groups of a step: neighbouring elements, at least 8, with one scale
//   float weight_scale(uint step, uint g), float weight_offset(uint step, uint g)
// and for codes that choose from a few numbers
//   WEIGHT_LEVELS        how many, a power of two
//   WEIGHT_LEVEL_PARTS   numbers that a code chooses at once
//   float weight_level(uint code, uint part)  number `part` of those that the code chooses; weight_code calls weight_chosen
// These call weight_word(i) for word i of the step, and may load what is nowhere near through WEIGHT_LOAD; e and g are constants after unrolling in the shaders where speed counts.
// and for plain numbers, whose rows may end anywhere
//   WEIGHT_NUMBER_BYTES  bytes of a number
//   float weight_number(uint bits, uint skipped)  the number after so many bytes of a word
//
// WEIGHT_SCALED_BLOCK and WEIGHT_NUMBER_BYTES take most of this from Common/scaled_block.glsl or Common/plain_numbers.glsl.
//
// Where a tensor is one row of blocks after the other, the format defines
//   WEIGHT_BLOCK         elements of a block
//   WEIGHT_BLOCK_UNITS   its size
//   WEIGHT_WINDOW        that the pieces of a period follow one another without a gap, one step being a block
//   uint weight_piece_start(uint piece, uint part)   where a piece begins in the block, for its step `part`
// and any other format
//   uint weight_row_start(uint piece, uint row)      where the row's pieces begin
//   uint weight_step_start(uint piece, uint step)    and from there those of a step

// The row that is decoded.
uint weight_row;

// Word i of the step.
uint weight_word(uint i);

// What weight_level gives, or the same from registers.
float weight_chosen(uint code, uint part);

// The second half of `low` and the first of `high`, as one word.
uint weight_straddling(uint low, uint high) { return low >> 16 | high << 16; }

// The unsigned code of `mask` at bit `place` of `bits`, less `center`, exactly.
//
// The code, left where it is, becomes the low end of a significand of 2^23; to divide by its place and take 2^23 and the center
// away is one exact fma, cheaper than a shift and a conversion. Codes have at most 8 bits and do not cross the word's end.
float weight_centered(uint bits, uint place, uint mask, float center) {
  const uint near = place % 16;
  const float unit = uintBitsToFloat((127 - near) << 23);
  const uint raw = (place < 16 ? bits : bits >> 16) & mask << near;
  return fma(uintBitsToFloat(raw | 0x4b000000u), unit, -8388608.0 * unit - center);
}

// The low four bits, each the lowest of a byte.
uint weight_spread(uint bits) { return (bits & 15u) * 0x00204081u & 0x01010101u; }

// What several formats share.
#if defined(WEIGHT_IQ4_NL) || defined(WEIGHT_IQ4_XS)
#include "Common/Formats/uneven_levels.glsl"
#elif defined(WEIGHT_MXFP4) || defined(WEIGHT_NVFP4)
#include "Common/Formats/e2m1.glsl"
#elif defined(WEIGHT_Q4_K) || defined(WEIGHT_Q5_K)
#include "Common/Formats/k_scales.glsl"
#elif defined(WEIGHT_LATTICE) && !defined(WEIGHT_NORMAL_FLOAT)
#include "Common/Formats/lattice.glsl"
#endif
#ifdef CODE_BITS
#include "Common/bit_string.glsl"
#endif
#if defined(NUMBER_F16) || defined(NUMBER_BF16) || defined(NUMBER_F32)
#include "Common/number.glsl"
#include "Common/section_numbers.glsl"
#endif

#if defined(WEIGHT_F32)
#include "Common/Formats/f32.glsl"
#elif defined(WEIGHT_F16)
#include "Common/Formats/f16.glsl"
#elif defined(WEIGHT_BF16)
#include "Common/Formats/bf16.glsl"
#elif defined(WEIGHT_Q8_0)
#include "Common/Formats/q8_0.glsl"
#elif defined(WEIGHT_Q4_0)
#include "Common/Formats/q4_0.glsl"
#elif defined(WEIGHT_Q4_1)
#include "Common/Formats/q4_1.glsl"
#elif defined(WEIGHT_Q5_0)
#include "Common/Formats/q5_0.glsl"
#elif defined(WEIGHT_Q5_1)
#include "Common/Formats/q5_1.glsl"
#elif defined(WEIGHT_Q1_0)
#include "Common/Formats/q1_0.glsl"
#elif defined(WEIGHT_Q2_0)
#include "Common/Formats/q2_0.glsl"
#elif defined(WEIGHT_IQ4_NL)
#include "Common/Formats/iq4_nl.glsl"
#elif defined(WEIGHT_MXFP4)
#include "Common/Formats/mxfp4.glsl"
#elif defined(WEIGHT_NVFP4)
#include "Common/Formats/nvfp4.glsl"
#elif defined(WEIGHT_TQ1_0)
#include "Common/Formats/tq1_0.glsl"
#elif defined(WEIGHT_TQ2_0)
#include "Common/Formats/tq2_0.glsl"
#elif defined(WEIGHT_Q2_K)
#include "Common/Formats/q2_k.glsl"
#elif defined(WEIGHT_Q3_K)
#include "Common/Formats/q3_k.glsl"
#elif defined(WEIGHT_Q4_K)
#include "Common/Formats/q4_k.glsl"
#elif defined(WEIGHT_Q5_K)
#include "Common/Formats/q5_k.glsl"
#elif defined(WEIGHT_Q6_K)
#include "Common/Formats/q6_k.glsl"
#elif defined(WEIGHT_IQ4_XS)
#include "Common/Formats/iq4_xs.glsl"
#elif defined(WEIGHT_IQ2_XXS)
#include "Common/Formats/iq2_xxs.glsl"
#elif defined(WEIGHT_IQ2_XS)
#include "Common/Formats/iq2_xs.glsl"
#elif defined(WEIGHT_IQ2_S)
#include "Common/Formats/iq2_s.glsl"
#elif defined(WEIGHT_IQ3_XXS)
#include "Common/Formats/iq3_xxs.glsl"
#elif defined(WEIGHT_IQ3_S)
#include "Common/Formats/iq3_s.glsl"
#elif defined(WEIGHT_IQ1_S)
#include "Common/Formats/iq1_s.glsl"
#elif defined(WEIGHT_IQ1_M)
#include "Common/Formats/iq1_m.glsl"
#elif defined(WEIGHT_GROUP)
#include "Common/Formats/group.glsl"
#elif defined(WEIGHT_NORMAL_FLOAT)
#include "Common/Formats/normal_float.glsl"
#elif defined(WEIGHT_PALETTE)
#include "Common/Formats/palette.glsl"
#elif defined(WEIGHT_DUAL_GRAINED)
#include "Common/Formats/dual_grained.glsl"
#elif defined(WEIGHT_GPTQ)
#include "Common/Formats/gptq.glsl"
#elif defined(WEIGHT_AWQ)
#include "Common/Formats/awq.glsl"
#else
#error "define the weight format: WEIGHT_F32, WEIGHT_F16, WEIGHT_Q4_0, …"
#endif

#if defined(WEIGHT_SCALED_BLOCK)
#include "Common/scaled_block.glsl"
#elif defined(WEIGHT_NUMBER_BYTES)
#include "Common/plain_numbers.glsl"
#endif

#ifdef WEIGHT_LEVELS
#ifdef WEIGHT_LEVEL_LANES
#define WEIGHT_LEVEL_REGISTERS ((WEIGHT_LEVELS + WEIGHT_LEVEL_LANES - 1) / WEIGHT_LEVEL_LANES)
float weight_levels[WEIGHT_LEVEL_PARTS][WEIGHT_LEVEL_REGISTERS];

void weight_load_levels() {
  [[unroll]] for (uint part = 0; part < WEIGHT_LEVEL_PARTS; part++) {
    [[unroll]] for (uint i = 0; i < WEIGHT_LEVEL_REGISTERS; i++) {
      weight_levels[part][i] = weight_level(min(i * WEIGHT_LEVEL_LANES + gl_SubgroupInvocationID, WEIGHT_LEVELS - 1), part);
    }
  }
}

float weight_chosen(uint code, uint part) {
  const uint lane = code % WEIGHT_LEVEL_LANES;
  float level = subgroupShuffle(weight_levels[part][0], lane);
  [[unroll]] for (uint i = 1; i < WEIGHT_LEVEL_REGISTERS; i++) {
    const float other = subgroupShuffle(weight_levels[part][i], lane);
    level = code / WEIGHT_LEVEL_LANES == i ? other : level;
  }
  return level;
}
#else
float weight_chosen(uint code, uint part) { return weight_level(code, part); }
#endif
#endif

#ifndef WEIGHT_STRIDE
#define WEIGHT_STRIDE(piece) 1
#endif

#ifdef WEIGHT_BLOCK
#define WEIGHT_BLOCK_STEPS (WEIGHT_BLOCK / WEIGHT_STEP)

uint weight_row_start(uint piece, uint row) { return row * (WEIGHT_COLUMNS / WEIGHT_BLOCK * WEIGHT_BLOCK_UNITS); }
uint weight_step_start(uint piece, uint step) {
  return step / WEIGHT_BLOCK_STEPS * WEIGHT_BLOCK_UNITS + weight_piece_start(piece, step % WEIGHT_BLOCK_STEPS);
}
#endif

#ifdef WEIGHT_SCALED
#define WEIGHT_GROUP_ELEMENTS (WEIGHT_STEP / WEIGHT_GROUPS)
#else
#define WEIGHT_GROUPS 1
#define WEIGHT_GROUP_ELEMENTS WEIGHT_STEP
float weight_scale(uint step, uint g) { return 1.0; }
#endif

#ifndef WEIGHT_OFFSETS
float weight_offset(uint step, uint g) { return 0.0; }
#endif

// The value of a code in a group with that scale and offset; without scales the code.
float weight_from(float code, float scale, float offset) {
#if defined(WEIGHT_LONG_SCALES) && defined(WEIGHT_OFFSETS)
  precise const float product = code * scale;
  precise const float value = product + offset;
  return value;
#elif defined(WEIGHT_OFFSETS)
  return fma(code, scale, offset);
#elif defined(WEIGHT_SCALED)
  return scale * code;
#else
  return code;
#endif
}

// Element e of the step.
float weight_value(uint step, uint e) {
  const uint g = e / WEIGHT_GROUP_ELEMENTS;
  return weight_from(weight_code(step, e), weight_scale(step, g), weight_offset(step, g));
}

#ifdef WEIGHT_BY_STEPS
#ifdef WEIGHT_NUMBER_BYTES
// Number i of a tensor of plain numbers.
float weight_plain(uint i) { return weight_number(WEIGHT_LOAD(i * WEIGHT_NUMBER_BYTES / 4), i * WEIGHT_NUMBER_BYTES % 4); }
#endif
#else
// The step whose words weight_word gives.
uint weight_step;

// The bytes at position `unit`, `count` of which are wanted; reads no word that holds none of them.
uint weight_bytes(uint unit, uint count) {
  const uint word = unit / (4 / WEIGHT_UNIT), skipped = unit % (4 / WEIGHT_UNIT) * WEIGHT_UNIT;
  const uint low = WEIGHT_LOAD(word);
  if (skipped == 0) return low;
  const uint high = WEIGHT_LOAD(word + (skipped + min(count, 4) > 4 ? 1 : 0));
  return low >> (8 * skipped) | high << (32 - 8 * skipped);
}

uint weight_word(uint i) {
  uint piece = 0, first = 0, end = 0;
  [[unroll]] for (uint p = 0; p + 1 < WEIGHT_PIECES; p++) {
    end += (weight_piece_bytes[p] + 3) / 4;
    if (i >= end) {
      piece = p + 1;
      first = end;
    }
  }
  const uint start = weight_row_start(piece, weight_row) + weight_step_start(piece, weight_step);
  return weight_bytes(start + (i - first) * (4 / WEIGHT_UNIT) * WEIGHT_STRIDE(piece), weight_piece_bytes[piece] - 4 * (i - first));
}

// Element `column` of row `row`.
float weight_at(uint row, uint column) {
  weight_row = row;
  weight_step = column / WEIGHT_STEP;
  return weight_value(weight_step, column % WEIGHT_STEP);
}
#endif
