// f16: plain binary16, read as halves of 32-bit words so that no 16-bit storage is needed.
#define WEIGHT_BLOCK 1
#define WEIGHT_BLOCK_HALVES 1
#define WEIGHT_WORD_CODES 2

uint weight_position(uint word, uint c) { return 2u * word + c; }
float weight_code(uint bits, uint c) { return unpackHalf2x16(bits)[c]; }
float weight_element(uint block, uint i) { return weight_half_float(block); }

#ifdef WEIGHT_RUN
void weight_run(uint row, uint column, uint columns, out float values[WEIGHT_RUN]) {
  const uint first = row * columns + column;
  const uint last_word = (row * columns + columns - 1) >> 1;
  const bool odd = (first & 1) != 0;
  uint low = WEIGHT_WORD(first >> 1);
  [[unroll]] for (uint i = 0; i < WEIGHT_RUN; i += 2) {
    const uint high = WEIGHT_WORD(min((first + i + 2) >> 1, last_word));
    const vec2 pair = unpackHalf2x16(odd ? (low >> 16) | (high << 16) : low);
    values[i] = column + i < columns ? pair.x : 0.0;
    values[i + 1] = column + i + 1 < columns ? pair.y : 0.0;
    low = high;
  }
}
#endif
