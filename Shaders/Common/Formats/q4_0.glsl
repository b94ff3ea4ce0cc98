// q4_0: an f16 scale, then 16 bytes: elements 0…15 in the low nibbles, 16…31 in the high ones, each plus 8. 18 bytes.
#define WEIGHT_BLOCK 32
#define WEIGHT_BLOCK_HALVES 9
#define WEIGHT_SCALED
#define WEIGHT_WORD_CODES 8
#define WEIGHT_BLOCK_WORDS 4

uint weight_position(uint word, uint c) { return 4u * word + c % 4u + 16u * (c / 4u); }

// The nibble, left where it is in its half, becomes the low end of a significand of 2^23; to divide by its place and take
// 2^23 and 8 away is one exact fma, cheaper than a shift and a conversion.
float weight_code(uint bits, uint c) {
  const uint place = 8u * (c % 2u) + 4u * (c / 4u);
  const uint halves = c % 4u < 2u ? bits : bits >> 16;
  const float unit = uintBitsToFloat((127u - place) << 23);
  return fma(uintBitsToFloat((halves & (15u << place)) | 0x4b000000u), unit, -8388608.0 * unit - 8.0);
}

float weight_element(uint block, uint i) {
  uint position = i % 16;
  uint bits = weight_half(block + 1 + position / 2);
  uint code = (bits >> ((position % 2) * 8 + (i / 16) * 4)) & 15u;
  return weight_half_float(block) * (float(code) - 8.0);
}

#ifdef WEIGHT_RUN
void weight_run(uint row, uint column, uint columns, out float values[WEIGHT_RUN]) {
  const uint block = (row * (columns / WEIGHT_BLOCK) + column / WEIGHT_BLOCK) * WEIGHT_BLOCK_HALVES;
  const bool odd = (block & 1) != 0;
  uint low = WEIGHT_WORD(block >> 1);
  const float scale = unpackHalf2x16(odd ? low >> 16 : low).x;
  [[unroll]] for (uint i = 0; i < 16; i += 4) {
    const uint high = WEIGHT_WORD((block >> 1) + 1 + i / 4);
    const uint codes = odd ? high : (low >> 16) | (high << 16);
    [[unroll]] for (uint l = 0; l < 4; l++) {
      values[i + l] = scale * (float((codes >> (8 * l)) & 15u) - 8.0);
      values[i + l + 16] = scale * (float((codes >> (8 * l + 4)) & 15u) - 8.0);
    }
    low = high;
  }
}
#endif
