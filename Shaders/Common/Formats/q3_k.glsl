// q3_K: third bits, eight to a byte 32 elements apart; the other two bits, four to a byte 32 elements apart, 32 bytes for each
// 128 elements; for each 16 elements a scale of six bits, plus 32: the low four, two to a byte 8 apart, then the high two, four
// to a byte 4 apart; an f16 scale. Codes plus 4. 110 bytes; a step is half of it.
#define WEIGHT_BLOCK 256
#define WEIGHT_BLOCK_UNITS 55
#define WEIGHT_STEP 128
#define WEIGHT_UNIT 2
#define WEIGHT_PIECES 4
#define WEIGHT_WORDS 20
#define WEIGHT_PERIOD 0
#define WEIGHT_SCALED
#define WEIGHT_GROUPS 8
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](32, 32, 12, 2);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](false, false, false, false);

uint weight_piece_start(uint piece, uint part) { return piece == 0 ? 0 : piece == 1 ? 16 + 16 * part : piece == 2 ? 48 : 54; }

float weight_scale(uint step, uint g) {
  const uint part = step % 2;
  const uint low = weight_word(16 + g / 4) >> (8 * (g % 4) + 4 * part) & 15u;
  const uint high = weight_word(18) >> (8 * (g % 4) + 2 * (g / 4) + 4 * part) & 3u;
  return unpackHalf2x16(weight_word(19)).x * (float(low | high << 4) - 32.0);
}
float weight_code(uint step, uint e) {
  const uint i = e % 32 / 4, plane = e / 32;
  const uint two = weight_word(8 + i) >> (2 * plane) & 0x03030303u;
  const uint third = (weight_word(i) >> (4 * (step % 2))) >> plane & 0x01010101u;
  return weight_centered(two | third << 2, 8 * (e % 4), 7, 4.0);
}
