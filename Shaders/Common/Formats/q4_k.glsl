// q4_K: f16 numbers d and m; for each 32 elements a scale and an offset of six bits in 12 bytes (see k_scales.glsl);
// codes of four bits, two to a byte 32 elements apart, 32 bytes for each 64 elements. d · scale · q − m · offset. 144 bytes; a
// step is half of it.
#define WEIGHT_BLOCK 256
#define WEIGHT_BLOCK_UNITS 36
#define WEIGHT_STEP 128
#define WEIGHT_UNIT 4
#define WEIGHT_PIECES 2
#define WEIGHT_WORDS 20
#define WEIGHT_PERIOD 1
#define WEIGHT_SCALED
#define WEIGHT_OFFSETS
#define WEIGHT_GROUPS 4
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](16, 64);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](true, true);

uint weight_piece_start(uint piece, uint part) { return piece == 0 ? 0 : 4 + 16 * part; }

float weight_code(uint step, uint e) {
  return weight_centered(weight_word(4 + e / 64 * 8 + e % 32 / 4), 8 * (e % 4) + e % 64 / 32 * 4, 15, 0.0);
}
