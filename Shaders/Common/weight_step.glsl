// Loading of all words of a step into registers, each once. Include it after Common/weights.glsl.
//
// The including shader defines WEIGHT_BY_STEPS before Common/weights.glsl and
//   uint weight_load(uint piece, uint step, uint i)  the i-th word of the tensor, counted from the one in which the piece of
//                                                    the step begins in this invocation's row
//   uint weight_skipped(uint piece, uint step)       bytes of that word before the piece
uint weight_words[WEIGHT_WORDS];

uint weight_word(uint i) { return weight_words[i]; }

// Loads a piece to `word`… and says where the next begins. `piece` and `part` are constants, so that the loop can be unrolled.
uint weight_load_piece(uint piece, uint word, uint step, uint part) {
#if defined(WEIGHT_ROWS_ALIGNED) && WEIGHT_PERIOD > 0
  // A constant.
  const uint skipped = weight_step_start(piece, part) % (4 / WEIGHT_UNIT) * WEIGHT_UNIT;
#else
  const uint skipped = weight_piece_aligned[piece] ? 0 : weight_skipped(piece, step);
#endif
  const uint count = weight_piece_bytes[piece];
  uint low = weight_load(piece, step, 0);
  [[unroll]] for (uint i = 0; i < (count + 3) / 4; i++) {
    // Fewer bytes than a unit never straddle.
    const bool straddles = WEIGHT_UNIT < 4 && !weight_piece_aligned[piece] && count - 4 * i > WEIGHT_UNIT;
    const bool more = (i + 1) * 4 < count;
    uint high = low;
    if (more || straddles) {
      // The word after the last is read only if it holds some of the piece.
      high = weight_load(piece, step, more ? i + 1 : i + (skipped + count - 4 * i > 4 ? 1 : 0));
    }
    if (straddles) {
      weight_words[word + i] = skipped == 0 ? low : low >> (8 * skipped) | high << (32 - 8 * skipped);
    } else {
      weight_words[word + i] = weight_piece_aligned[piece] ? low : low >> (8 * skipped);
    }
    low = high;
  }
  return word + (count + 3) / 4;
}

// Loads `step`. Where all rows begin at whole words, `part` is its place in the period, a constant.
void weight_load_step(uint step, uint part) {
  uint word = weight_load_piece(0, 0, step, part);
#if WEIGHT_PIECES > 1
  word = weight_load_piece(1, word, step, part);
#endif
#if WEIGHT_PIECES > 2
  word = weight_load_piece(2, word, step, part);
#endif
#if WEIGHT_PIECES > 3
  word = weight_load_piece(3, word, step, part);
#endif
#if WEIGHT_PIECES > 4
  word = weight_load_piece(4, word, step, part);
#endif
#if WEIGHT_PIECES > 5
#error "a step has at most 5 pieces"
#endif
}

#if defined(WEIGHT_WINDOW) && defined(WEIGHT_ROWS_ALIGNED)
// The words of a whole period, which lie together, and the words of its steps from these: every word is loaded once.
#define WEIGHT_WINDOW_WORDS (WEIGHT_PERIOD * WEIGHT_BLOCK_UNITS * WEIGHT_UNIT / 4)
uint weight_window[WEIGHT_WINDOW_WORDS];

void weight_load_window(uint step) {
  [[unroll]] for (uint i = 0; i < WEIGHT_WINDOW_WORDS; i++) weight_window[i] = weight_load(0, step, i);
}

uint weight_take_piece(uint piece, uint word, uint part) {
  const uint start = (part * WEIGHT_BLOCK_UNITS + weight_piece_start(piece, 0)) * WEIGHT_UNIT;
  const uint count = weight_piece_bytes[piece];
  [[unroll]] for (uint i = 0; i < (count + 3) / 4; i++) {
    const uint at = start / 4 + i, skipped = start % 4;
    const bool straddles = skipped + min(count - 4 * i, 4) > 4;
    weight_words[word + i] = skipped == 0 ? weight_window[at] : weight_window[at] >> (8 * skipped);
    if (straddles) weight_words[word + i] |= weight_window[at + 1] << (32 - 8 * skipped);
  }
  return word + (count + 3) / 4;
}

// `part` is a constant.
void weight_take_step(uint part) {
  uint word = weight_take_piece(0, 0, part);
#if WEIGHT_PIECES > 1
  word = weight_take_piece(1, word, part);
#endif
#if WEIGHT_PIECES > 2
  word = weight_take_piece(2, word, part);
#endif
#if WEIGHT_PIECES > 3
  word = weight_take_piece(3, word, part);
#endif
}
#endif
