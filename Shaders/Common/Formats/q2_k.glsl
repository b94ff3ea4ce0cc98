// q2_K: for each 16 elements a byte with a scale and, above, an offset; codes of two bits, four to a byte 32 elements apart, 32
// bytes for each 128 elements; f16 numbers d and m. d · scale · q − m · offset. 84 bytes; a step is half of it.
#define WEIGHT_BLOCK 256
#define WEIGHT_BLOCK_UNITS 21
#define WEIGHT_STEP 128
#define WEIGHT_UNIT 4
#define WEIGHT_PIECES 3
#define WEIGHT_WORDS 11
#define WEIGHT_PERIOD 1
#define WEIGHT_SCALED
#define WEIGHT_OFFSETS
#define WEIGHT_GROUPS 8
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](8, 32, 4);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](true, true, true);

uint weight_piece_start(uint piece, uint part) { return piece == 0 ? 2 * part : piece == 1 ? 4 + 8 * part : 20; }

float weight_scale(uint step, uint g) {
  return unpackHalf2x16(weight_word(10)).x * float(weight_word(g / 4) >> (8 * (g % 4)) & 15u);
}
float weight_offset(uint step, uint g) {
  return -unpackHalf2x16(weight_word(10)).y * float(weight_word(g / 4) >> (8 * (g % 4) + 4) & 15u);
}
float weight_code(uint step, uint e) { return weight_centered(weight_word(2 + e % 32 / 4), 8 * (e % 4) + 2 * (e / 32), 3, 0.0); }
