// iq4_xs: an f16 scale; the high two bits of eight scales of six bits, plus 32, then their low four; codes as in iq4_nl, 16 bytes
// for each 32 elements. 136 bytes; a step is half of it.
#define WEIGHT_BLOCK 256
#define WEIGHT_BLOCK_UNITS 34
#define WEIGHT_STEP 128
#define WEIGHT_UNIT 4
#define WEIGHT_PIECES 2
#define WEIGHT_WORDS 18
#define WEIGHT_PERIOD 1
#define WEIGHT_SCALED
#define WEIGHT_GROUPS 4
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](8, 64);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](true, true);

uint weight_piece_start(uint piece, uint part) { return piece == 0 ? 0 : 2 + 16 * part; }

float weight_scale(uint step, uint g) {
  const uint group = step % 2 * 4 + g;
  const uint six = weight_word(1) >> (4 * group) & 15u | (weight_word(0) >> (16 + 2 * group) & 3u) << 4;
  return unpackHalf2x16(weight_word(0)).x * (float(six) - 32.0);
}
float weight_code(uint step, uint e) {
  return UNEVEN_LEVEL(weight_word(2 + e / 32 * 4 + e % 16 / 4), 8 * (e % 4) + e % 32 / 16 * 4);
}
