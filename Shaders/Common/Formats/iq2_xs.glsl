// iq2_xs: an f16 scale; for each 8 elements 16 bits: nine are a row of eight magnitudes, seven are signs; for each 16 elements
// four bits s. scale · (s + ½) / 4 · magnitude. 74 bytes; a step is half of it.
#define WEIGHT_BLOCK 256
#define WEIGHT_BLOCK_UNITS 37
#define WEIGHT_STEP 128
#define WEIGHT_UNIT 2
#define WEIGHT_PIECES 3
#define WEIGHT_WORDS 10
#define WEIGHT_PERIOD 0
#define WEIGHT_SCALED
#define WEIGHT_GROUPS 8
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](2, 32, 4);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](false, false, false);

uint weight_piece_start(uint piece, uint part) { return piece == 0 ? 0 : piece == 1 ? 1 + 16 * part : 33 + 2 * part; }

float weight_scale(uint step, uint g) {
  return unpackHalf2x16(weight_word(0)).x * fma(float(weight_word(9) >> (4 * g) & 15u), 0.25, 0.125);
}
float weight_code(uint step, uint e) {
  const uint point = weight_word(1 + e / 16) >> (e % 16 / 8 * 16);
  const uint magnitudes = iq2_magnitudes(lattice_row(point & 511u), e % 8 / 4);
  return lattice_number(lattice_signed(magnitudes, lattice_signs(point >> 9) >> (e % 8 / 4 * 4)), e % 4);
}
