// q8_0: an f16 scale, then 32 signed bytes. 34 bytes.
#define WEIGHT_BLOCK 32
#define WEIGHT_BLOCK_HALVES 17
#define WEIGHT_SCALED
#define WEIGHT_WORD_CODES 4
#define WEIGHT_BLOCK_WORDS 8

uint weight_position(uint word, uint c) { return 4u * word + c; }
float weight_code(uint bits, uint c) { return float(int(bits << (24u - 8u * c)) >> 24); }

float weight_element(uint block, uint i) {
  int code = bitfieldExtract(int(weight_half(block + 1 + i / 2)), int(i % 2) * 8, 8);
  return weight_half_float(block) * float(code);
}
