// Decoding of WEIGHT_RUN neighbouring elements of a row at once, so that every word is loaded once. Include it after
// Common/weights.glsl; it needs GL_EXT_control_flow_attributes.
#define WEIGHT_RUN 32

// values[i] = element `column` + i of row `row` of a matrix with `columns` columns, zero beyond the row's end; `column` is a
// multiple of WEIGHT_RUN and less than `columns`.
void weight_run(uint row, uint column, uint columns, out float values[WEIGHT_RUN]) {
#ifdef WEIGHT_SCALED
  // One block: a run is as long, and rows consist of whole blocks.
  const uint first = (row * (columns / WEIGHT_BLOCK) + column / WEIGHT_BLOCK) * WEIGHT_BLOCK_HALVES;
  const bool is_odd = (first & 1u) != 0u;
  uint low = WEIGHT_WORD(first >> 1);
  const float scale = unpackHalf2x16(is_odd ? low >> 16 : low).x;
  [[unroll]] for (uint word = 0; word < WEIGHT_BLOCK_WORDS; word++) {
    const uint high = WEIGHT_WORD((first >> 1) + 1 + word);
    const uint bits = is_odd ? high : weight_straddling(low, high);
    [[unroll]] for (uint c = 0; c < WEIGHT_WORD_CODES; c++) {
      values[weight_position(word, c)] = scale * weight_code(bits, c);
    }
    low = high;
  }
#else
  const uint first = (row * columns + column) * WEIGHT_BLOCK_HALVES;
  const uint last_word = ((row + 1) * columns * WEIGHT_BLOCK_HALVES - 1) >> 1;
  const bool is_odd = (first & 1u) != 0u;
  uint low = WEIGHT_WORD(first >> 1);
  [[unroll]] for (uint word = 0; word < WEIGHT_RUN / WEIGHT_WORD_CODES; word++) {
    const uint high = WEIGHT_WORD(min((first >> 1) + 1 + word, last_word));
    const uint bits = is_odd ? weight_straddling(low, high) : low;
    [[unroll]] for (uint c = 0; c < WEIGHT_WORD_CODES; c++) {
      const uint i = weight_position(word, c);
      values[i] = column + i < columns ? weight_code(bits, c) : 0.0;
    }
    low = high;
  }
#endif
}
