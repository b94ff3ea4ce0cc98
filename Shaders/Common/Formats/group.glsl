// Codes of CODE_BITS bits in a string for each row, then scales and, with WEIGHT_OFFSETS, offsets in sections of their own: for
// each row one number per GROUP_LENGTH elements. GROUP_STEP, 32 or 64, divides GROUP_LENGTH. Without offsets the codes lie around
// 2^(CODE_BITS − 1), or around ½ and twice as far apart where they have one bit.
#define WEIGHT_STEP GROUP_STEP
#define WEIGHT_UNIT 2
#define WEIGHT_PERIOD 0
#define WEIGHT_SCALED
#define WEIGHT_GROUPS 1
#define CODE_WORDS (GROUP_STEP / 32 * CODE_BITS)
#ifdef WEIGHT_OFFSETS
#define WEIGHT_PIECES 3
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](4 * CODE_WORDS, 2 * NUMBER_HALVES, 2 * NUMBER_HALVES);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](true, NUMBER_ALIGNED, NUMBER_ALIGNED);
#else
#define WEIGHT_PIECES 2
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](4 * CODE_WORDS, 2 * NUMBER_HALVES);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](true, NUMBER_ALIGNED);
#endif
#define WEIGHT_WORDS (CODE_WORDS + WEIGHT_PIECES - 1)
#ifdef NUMBER_F32
#define WEIGHT_LONG_SCALES
#endif

uint weight_row_start(uint piece, uint row) {
  const uint codes = WEIGHT_COLUMNS / 32 * CODE_BITS * 2, numbers = WEIGHT_COLUMNS / GROUP_LENGTH * NUMBER_HALVES;
  if (piece == 0) return row * codes;
  const uint scales = section_after(WEIGHT_ROWS * codes);
  return row * numbers + (piece == 1 ? scales : section_after(scales + WEIGHT_ROWS * numbers));
}
uint weight_step_start(uint piece, uint step) {
  return piece == 0 ? step * CODE_WORDS * 2 : step * GROUP_STEP / GROUP_LENGTH * NUMBER_HALVES;
}

float weight_scale(uint step, uint g) { return number_from(weight_word(CODE_WORDS)); }

#ifdef WEIGHT_OFFSETS
float weight_offset(uint step, uint g) { return number_from(weight_word(CODE_WORDS + 1)); }
float weight_code(uint step, uint e) { return string_centered(e, 0.0); }
#elif CODE_BITS == 1
// A one is the sign of a 1.
float weight_code(uint step, uint e) {
  return uintBitsToFloat((weight_word(e / 32) << (31 - e % 32) & 0x80000000u) ^ 0xbf800000u);
}
#else
float weight_code(uint step, uint e) { return string_centered(e, float(1u << (CODE_BITS - 1))); }
#endif
