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
