// iq3_xxs: an f16 scale; for each 4 elements a byte, a row of four magnitudes; for each 32 elements 32 bits: four times seven
// signs, then four bits s. scale · (s + ½) / 2 · magnitude. 98 bytes; a step is half of it.
#define WEIGHT_BLOCK 256
#define WEIGHT_BLOCK_UNITS 49
#define WEIGHT_STEP 128
#define WEIGHT_UNIT 2
#define WEIGHT_PIECES 3
#define WEIGHT_WORDS 13
#define WEIGHT_PERIOD 0
#define WEIGHT_SCALED
#define WEIGHT_GROUPS 4
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](2, 32, 16);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](false, false, false);

uint weight_piece_start(uint piece, uint part) { return piece == 0 ? 0 : piece == 1 ? 1 + 16 * part : 33 + 8 * part; }

float weight_scale(uint step, uint g) {
  return unpackHalf2x16(weight_word(0)).x * fma(float(weight_word(9 + g) >> 28), 0.5, 0.25);
}
float weight_code(uint step, uint e) {
  const uint magnitudes = lattice_row(weight_word(1 + e / 16) >> (e % 16 / 4 * 8) & 255u);
  const uint signs = lattice_signs(weight_word(9 + e / 32) >> (7 * (e % 32 / 8)));
  return lattice_number(lattice_signed(magnitudes, signs >> (e % 8 / 4 * 4)), e % 4);
}
