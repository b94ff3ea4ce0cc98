// Codes of CODE_BITS bits in a string of 32-bit words, least significant bit first: 32 codes are CODE_BITS words. A section of
// scales follows, with WEIGHT_OFFSETS one of offsets: for each row one number per GROUP_LENGTH elements. Sections begin at
// multiples of 16 bytes. GROUP_STEP, 32 or 64, divides GROUP_LENGTH. Without offsets the codes lie around 2^(CODE_BITS − 1),
// or around ½ and twice as far apart where they have one bit.
#define WEIGHT_STEP GROUP_STEP
#define WEIGHT_UNIT 2
#ifdef WEIGHT_OFFSETS
#define WEIGHT_PIECES 3
#else
#define WEIGHT_PIECES 2
#endif
#define CODE_WORDS (GROUP_STEP / 32 * CODE_BITS)
#define WEIGHT_WORDS (CODE_WORDS + WEIGHT_PIECES - 1)
#define WEIGHT_PERIOD 0
#define WEIGHT_SCALED
#ifdef WEIGHT_OFFSETS
#define WEIGHT_CENTER 0.0
#else
#define WEIGHT_CENTER float(1u << (CODE_BITS - 1))
#endif
#define WEIGHT_GROUPS 1
#ifdef NUMBER_F32
#define WEIGHT_LONG_SCALES
#define NUMBER_UNITS 2
#define NUMBER_ALIGNED true
#else
#define NUMBER_UNITS 1
#define NUMBER_ALIGNED false
#endif
#ifdef WEIGHT_OFFSETS
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](4 * CODE_WORDS, 2 * NUMBER_UNITS, 2 * NUMBER_UNITS);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](true, NUMBER_ALIGNED, NUMBER_ALIGNED);
#else
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](4 * CODE_WORDS, 2 * NUMBER_UNITS);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](true, NUMBER_ALIGNED);
#endif

uint weight_row_start(uint piece, uint row) {
  const uint code_units = WEIGHT_COLUMNS / 32 * CODE_BITS * 2, number_units = WEIGHT_COLUMNS / GROUP_LENGTH * NUMBER_UNITS;
  if (piece == 0) return row * code_units;
  const uint scales = (WEIGHT_ROWS * code_units + 7) & ~7u;
  return row * number_units + (piece == 1 ? scales : (scales + WEIGHT_ROWS * number_units + 7) & ~7u);
}
uint weight_step_start(uint piece, uint step) {
  return piece == 0 ? step * CODE_WORDS * 2 : step * GROUP_STEP / GROUP_LENGTH * NUMBER_UNITS;
}

float group_number(uint bits) {
#if defined(NUMBER_F32)
  return uintBitsToFloat(bits);
#elif defined(NUMBER_BF16)
  return uintBitsToFloat(bits << 16);
#else
  return unpackHalf2x16(bits).x;
#endif
}
float weight_scale(uint step, uint g) { return group_number(weight_word(CODE_WORDS)); }
float weight_offset(uint step, uint g) { return group_number(weight_word(CODE_WORDS + 1)); }

float weight_code(uint step, uint e) {
  const uint word = e * CODE_BITS / 32, place = e * CODE_BITS % 32;
#if CODE_BITS == 1 && !defined(WEIGHT_OFFSETS)
  // The sign of a one.
  return uintBitsToFloat((weight_word(word) << (31 - place) & 0x80000000u) ^ 0xbf800000u);
#else
  const uint mask = (1u << CODE_BITS) - 1;
  const uint low = weight_word(word);
  // A code that goes on in the next word begins in the second half of its own.
  if (place + CODE_BITS > 32) return weight_centered(weight_straddling(low, weight_word(word + 1)), place - 16, mask, WEIGHT_CENTER);
  return weight_centered(low, place, mask, WEIGHT_CENTER);
#endif
}
