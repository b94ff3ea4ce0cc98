// Blocks of 32 codes behind their scale, by the format's macro; see Common/Formats. A block begins at any half of a word, so that
// it may share its first and its last word with its neighbours, in other rows as well; every word between is its own.

#if defined(WEIGHT_Q8_0)
#define BLOCK_HALVES 17
#elif defined(WEIGHT_Q5_1)
#define BLOCK_HALVES 12
#elif defined(WEIGHT_Q5_0)
#define BLOCK_HALVES 11
#elif defined(WEIGHT_Q4_1)
#define BLOCK_HALVES 10
#else
#define BLOCK_HALVES 9
#endif

// The next half, and the one before where that waits for it.
uint next_half, waiting;
bool is_waiting = false;

void put(uint half_bits) {
  if (next_half % 2 == 0) {
    waiting = half_bits;
    is_waiting = true;
  } else if (is_waiting) {
    set_word(next_half / 2, waiting | half_bits << 16);
    is_waiting = false;
  } else {
    set_half(next_half, half_bits);
  }
  next_half++;
}

void append(uint row, uint unit) {
  find_scale(0);
  next_half = (row * (size / UNIT) + unit) * BLOCK_HALVES;
  put(scale_bits);
#ifdef SCALE_RANGE
  put(offset_bits);
#endif
#if defined(WEIGHT_Q8_0)
  // Bytes with a sign: levels begin at −128.
  for (uint e = 0; e < 32; e += 2) put((code_of(e) | code_of(e + 1) << 8) ^ 0x8080u);
#else
#if defined(WEIGHT_Q5_0) || defined(WEIGHT_Q5_1)
  uint high = 0;
  for (uint e = 0; e < 32; e++) high |= code_of(e) / 16 << e;
  put(high & 0xffffu);
  put(high >> 16);
#endif
  for (uint e = 0; e < 16; e += 2) {
    const uint low = code_of(e) % 16 | code_of(e + 1) % 16 << 8;
    put(low | code_of(e + 16) % 16 << 4 | code_of(e + 17) % 16 << 12);
  }
#endif
  if (is_waiting) set_half(next_half - 1, waiting);
}
