// q4_1: f16 numbers d and m, then 16 bytes: elements 0…15 in the low nibbles, 16…31 in the high ones; d · q + m. 20 bytes.
#define WEIGHT_BLOCK 32
#define WEIGHT_BLOCK_UNITS 5
#define WEIGHT_STEP 32
#define WEIGHT_UNIT 4
#define WEIGHT_PIECES 1
#define WEIGHT_WORDS 5
#define WEIGHT_PERIOD 1
#define WEIGHT_WINDOW
#define WEIGHT_SCALED
#define WEIGHT_OFFSETS
#define WEIGHT_GROUPS 1
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](20);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](true);

uint weight_piece_start(uint piece, uint part) { return 0; }

float weight_scale(uint step, uint g) { return unpackHalf2x16(weight_word(0)).x; }
float weight_offset(uint step, uint g) { return unpackHalf2x16(weight_word(0)).y; }
float weight_code(uint step, uint e) {
  return weight_centered(weight_word(1 + e % 16 / 4), 8 * (e % 4) + 4 * (e / 16), 15, 0.0);
}
