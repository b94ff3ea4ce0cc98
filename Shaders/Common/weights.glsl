// Decoding of stored weights, one format by macro: WEIGHT_F32, WEIGHT_F16, WEIGHT_BF16, WEIGHT_Q8_0 or WEIGHT_Q4_0.
//
// The including shader defines WEIGHT_WORD(i), the i-th 32-bit word of the tensor. Offsets are in 16-bit halves: every
// format's blocks are whole halves, but not whole words. A block is a scale (where WEIGHT_SCALED is defined) and codes;
// an element is scale · code, and a sum over a block multiplies by the scale once.
//
// Each format file defines
//   WEIGHT_BLOCK         elements in a block
//   WEIGHT_BLOCK_HALVES  16-bit halves in a block
//   WEIGHT_SCALED        that blocks begin with an f16 scale
//   WEIGHT_WORD_CODES    codes in a 32-bit word; plain formats have no larger unit
//   WEIGHT_BLOCK_WORDS   words of codes in a block with a scale
//   uint weight_position(uint word, uint c)    the element of the block that is code c of its word `word`
//   float weight_code(uint bits, uint c)       code c of a word, exactly
//   float weight_element(uint block, uint i)   element i of the block that starts at half `block`
// weight_position and weight_code are made for constants c, which fold all shifts and masks.

uint weight_half(uint offset) { return (WEIGHT_WORD(offset >> 1) >> ((offset & 1u) * 16u)) & 0xffffu; }
float weight_half_float(uint offset) { return unpackHalf2x16(weight_half(offset)).x; }

// The second half of `low` and the first of `high`, as one word.
uint weight_straddling(uint low, uint high) { return low >> 16 | high << 16; }

// The 32 bits that start at half `offset`; reads no word that holds none of them.
uint weight_bits(uint offset) {
  const uint low = WEIGHT_WORD(offset >> 1);
  const uint high = WEIGHT_WORD((offset + 1u) >> 1);
  return (offset & 1u) == 0u ? low : weight_straddling(low, high);
}

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
#else
#error "define the weight format: WEIGHT_F32, WEIGHT_F16, WEIGHT_BF16, WEIGHT_Q8_0 or WEIGHT_Q4_0"
#endif

// Element `column` of row `row` of a matrix with `columns` columns.
float weight_at(uint row, uint column, uint columns) {
  uint block = row * (columns / WEIGHT_BLOCK) + column / WEIGHT_BLOCK;
  return weight_element(block * WEIGHT_BLOCK_HALVES, column % WEIGHT_BLOCK);
}
