// iq1_s: an f16 scale; for each 8 elements a byte, the low bits of a row of eight numbers; for each 32 elements 16 bits: three
// high bits of each of the four rows, three bits s, and a sign. scale · (2s + 1) · (number ± ⅛). 50 bytes; a step is half of it.
#define WEIGHT_BLOCK 256
#define WEIGHT_BLOCK_UNITS 25
#define WEIGHT_STEP 128
#define WEIGHT_UNIT 2
#define WEIGHT_PIECES 3
#define WEIGHT_WORDS 7
#define WEIGHT_PERIOD 0
#define WEIGHT_SCALED
#define WEIGHT_GROUPS 4
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](2, 16, 8);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](false, false, false);

uint weight_piece_start(uint piece, uint part) { return piece == 0 ? 0 : piece == 1 ? 1 + 8 * part : 17 + 4 * part; }

// The 16 bits of group g.
uint iq1_rest(uint g) { return weight_word(5 + g / 2) >> (16 * (g % 2)); }

float weight_scale(uint step, uint g) {
  return unpackHalf2x16(weight_word(0)).x * fma(float(iq1_rest(g) >> 12 & 7u), 2.0, 1.0);
}
float weight_code(uint step, uint e) {
  const uint rest = iq1_rest(e / 32);
  const uint index = weight_word(1 + e / 32) >> (e % 32 / 8 * 8) & 255u | (rest >> (e % 32 / 8 * 3) & 7u) << 8;
  return weight_centered(lattice_row(index), 2 * (e % 8), 3, 1.0) + ((rest & 0x8000u) == 0 ? 0.125 : -0.125);
}
