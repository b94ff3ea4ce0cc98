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

#ifdef WEIGHT_RUN
void weight_run(uint row, uint column, uint columns, out float values[WEIGHT_RUN]) {
  const uint block = (row * (columns / WEIGHT_BLOCK) + column / WEIGHT_BLOCK) * WEIGHT_BLOCK_HALVES;
  const bool odd = (block & 1) != 0;
  uint low = WEIGHT_WORD(block >> 1);
  const float scale = unpackHalf2x16(odd ? low >> 16 : low).x;
  [[unroll]] for (uint i = 0; i < WEIGHT_BLOCK; i += 4) {
    const uint high = WEIGHT_WORD((block >> 1) + 1 + i / 4);
    const int codes = int(odd ? high : (low >> 16) | (high << 16));
    [[unroll]] for (uint l = 0; l < 4; l++) values[i + l] = scale * float(bitfieldExtract(codes, int(8 * l), 8));
    low = high;
  }
}
#endif
