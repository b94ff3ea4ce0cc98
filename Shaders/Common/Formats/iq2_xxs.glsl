// iq2_xxs: an f16 scale; for each 32 elements four bytes, each a row of eight magnitudes, and 32 bits: four times seven signs,
// then four bits s. scale · (s + ½) / 4 · magnitude. 66 bytes; a step is half of it.
#define WEIGHT_BLOCK 256
#define WEIGHT_BLOCK_UNITS 33
#define WEIGHT_STEP 128
#define WEIGHT_UNIT 2
#define WEIGHT_PIECES 2
#define WEIGHT_WORDS 9
#define WEIGHT_PERIOD 0
#define WEIGHT_SCALED
#define WEIGHT_GROUPS 4
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](2, 32);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](false, false);

uint weight_piece_start(uint piece, uint part) { return piece == 0 ? 0 : 1 + 16 * part; }

float weight_scale(uint step, uint g) {
  return unpackHalf2x16(weight_word(0)).x * fma(float(weight_word(2 + 2 * g) >> 28), 0.25, 0.125);
}
float weight_code(uint step, uint e) {
  const uint first = 1 + e / 32 * 2, part = e % 32 / 8;
  const uint row = weight_word(first) >> (8 * part) & 255u;
  const uint signs = lattice_signs(weight_word(first + 1) >> (7 * part));
  return lattice_number(lattice_signed(iq2_magnitudes(lattice_row(row), e % 8 / 4), signs >> (e % 8 / 4 * 4)), e % 4);
}
