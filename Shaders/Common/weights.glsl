// Decoding of stored weights, one format by macro: WEIGHT_F32, WEIGHT_F16, WEIGHT_Q8_0 or WEIGHT_Q4_0.
//
// The including shader defines WEIGHT_WORD(i), the i-th 32-bit word of the tensor. All offsets are in 16-bit halves: every
// format's blocks are whole halves, but not whole words. Each format file defines
//   WEIGHT_BLOCK         elements in a block
//   WEIGHT_BLOCK_HALVES  16-bit halves in a block
//   float weight_element(uint block, uint i)   element i of the block that starts at half `block`
// and, if the shader defines WEIGHT_RUN (32) and requires GL_EXT_control_flow_attributes,
//   void weight_run(uint row, uint column, uint columns, out float values[WEIGHT_RUN])   elements column, column + 1, … of
//   a row, where column is a multiple of WEIGHT_RUN; zeros beyond the end of the row

uint weight_half(uint half_index) { return (WEIGHT_WORD(half_index >> 1) >> ((half_index & 1) * 16)) & 0xffffu; }
float weight_half_float(uint half_index) { return unpackHalf2x16(weight_half(half_index)).x; }

#if defined(WEIGHT_F32)
#include "Common/Formats/f32.glsl"
#elif defined(WEIGHT_F16)
#include "Common/Formats/f16.glsl"
#elif defined(WEIGHT_Q8_0)
#include "Common/Formats/q8_0.glsl"
#elif defined(WEIGHT_Q4_0)
#include "Common/Formats/q4_0.glsl"
#else
#error "define the weight format: WEIGHT_F32, WEIGHT_F16, WEIGHT_Q8_0 or WEIGHT_Q4_0"
#endif

// Element `column` of row `row` of a matrix with `columns` columns.
float weight_at(uint row, uint column, uint columns) {
  uint block = row * (columns / WEIGHT_BLOCK) + column / WEIGHT_BLOCK;
  return weight_element(block * WEIGHT_BLOCK_HALVES, column % WEIGHT_BLOCK);
}
