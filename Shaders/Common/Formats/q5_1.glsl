// q5_1: f16 numbers d and m, then codes of five bits as in q5_0; d · q + m. 24 bytes.
#define WEIGHT_BLOCK 32
#define WEIGHT_BLOCK_UNITS 6
#define WEIGHT_STEP 32
#define WEIGHT_UNIT 4
#define WEIGHT_PIECES 1
#define WEIGHT_WORDS 6
#define WEIGHT_PERIOD 1
#define WEIGHT_WINDOW
#define WEIGHT_SCALED
#define WEIGHT_OFFSETS
#define WEIGHT_GROUPS 1
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](24);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](true);

uint weight_piece_start(uint piece, uint part) { return 0; }

float weight_scale(uint step, uint g) { return unpackHalf2x16(weight_word(0)).x; }
float weight_offset(uint step, uint g) { return unpackHalf2x16(weight_word(0)).y; }
float weight_code(uint step, uint e) {
  const uint four = weight_word(2 + e % 16 / 4) >> (4 * (e / 16)) & 0x0f0f0f0fu;
  return weight_centered(four | weight_spread(weight_word(1) >> (e / 4 * 4)) << 4, 8 * (e % 4), 31, 0.0);
}
