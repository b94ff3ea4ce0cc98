// iq1_m: for each 8 elements a byte, the low bits of a row of eight numbers; for each 8 four bits: three high bits of the row and a
// sign; for each 64 elements 16 bits: four times three bits s, one for each 16 elements, and four bits of an f16 scale.
// scale · (2s + 1) · (number ± ⅛). 56 bytes; a step is half of it.
#define WEIGHT_BLOCK 256
#define WEIGHT_BLOCK_UNITS 14
#define WEIGHT_STEP 128
#define WEIGHT_UNIT 4
#define WEIGHT_PIECES 3
#define WEIGHT_WORDS 8
#define WEIGHT_PERIOD 1
#define WEIGHT_SCALED
#define WEIGHT_GROUPS 8
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](16, 8, 8);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](true, true, true);

uint weight_piece_start(uint piece, uint part) { return piece == 0 ? 4 * part : piece == 1 ? 8 + 2 * part : 12; }

float weight_scale(uint step, uint g) {
  const uint low = weight_word(6), high = weight_word(7);
  const uint scale = low >> 12 & 15u | low >> 24 & 0xf0u | high >> 4 & 0xf00u | high >> 16 & 0xf000u;
  const uint factor = (step % 2 == 0 ? low : high) >> (g / 4 * 16 + g % 4 * 3) & 7u;
  return unpackHalf2x16(scale).x * fma(float(factor), 2.0, 1.0);
}
float weight_code(uint step, uint e) {
  const uint rest = weight_word(4 + e / 64) >> (e % 64 / 8 * 4);
  const uint index = weight_word(e / 32) >> (e % 32 / 8 * 8) & 255u | (rest & 7u) << 8;
  return weight_centered(lattice_row(index), 2 * (e % 8), 3, 1.0) + ((rest & 8u) == 0 ? 0.125 : -0.125);
}
