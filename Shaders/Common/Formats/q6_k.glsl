// q6_K: codes of six bits, plus 32: the low four, two to a byte 64 elements apart, 64 bytes for each 128 elements; then the high
// two, four to a byte 32 elements apart, 32 bytes for each 128 elements; for each 16 elements a signed byte; an f16 scale. 210
// bytes; a step is half of it.
#define WEIGHT_BLOCK 256
#define WEIGHT_BLOCK_UNITS 105
#define WEIGHT_STEP 128
#define WEIGHT_UNIT 2
#define WEIGHT_PIECES 4
#define WEIGHT_WORDS 27
#define WEIGHT_PERIOD 0
#define WEIGHT_SCALED
#define WEIGHT_GROUPS 8
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](64, 32, 8, 2);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](false, false, false, false);

uint weight_piece_start(uint piece, uint part) {
  return piece == 0 ? 32 * part : piece == 1 ? 64 + 16 * part : piece == 2 ? 96 + 4 * part : 104;
}

float weight_scale(uint step, uint g) {
  return unpackHalf2x16(weight_word(26)).x * float(int(weight_word(24 + g / 4) << (24 - 8 * (g % 4))) >> 24);
}
float weight_code(uint step, uint e) {
  const uint four = weight_word(e % 64 / 4) >> (e / 64 * 4) & 0x0f0f0f0fu;
  const uint two = weight_word(16 + e % 32 / 4) >> (e / 32 * 2) & 0x03030303u;
  return weight_centered(four | two << 4, 8 * (e % 4), 63, 32.0);
}
