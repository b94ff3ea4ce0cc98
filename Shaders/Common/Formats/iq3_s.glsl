// iq3_s: an f16 scale; for each 4 elements a byte, the low bits of a row of four magnitudes; for each 4 the high bit; for each
// element a sign; for each 32 elements four bits s. scale · (2s + 1) · magnitude. 110 bytes; a step is half of it.
#define WEIGHT_BLOCK 256
#define WEIGHT_BLOCK_UNITS 55
#define WEIGHT_STEP 128
#define WEIGHT_UNIT 2
#define WEIGHT_PIECES 5
#define WEIGHT_WORDS 15
#define WEIGHT_PERIOD 0
#define WEIGHT_SCALED
#define WEIGHT_GROUPS 4
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](2, 32, 4, 16, 2);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](false, false, false, false, false);

uint weight_piece_start(uint piece, uint part) {
  if (piece < 2) return piece == 0 ? 0 : 1 + 16 * part;
  return piece == 2 ? 33 + 2 * part : piece == 3 ? 37 + 8 * part : 53 + part;
}

float weight_scale(uint step, uint g) {
  return unpackHalf2x16(weight_word(0)).x * fma(float(weight_word(14) >> (4 * g) & 15u), 2.0, 1.0);
}
float weight_code(uint step, uint e) {
  const uint index = weight_word(1 + e / 16) >> (e % 16 / 4 * 8) & 255u | (weight_word(9) >> (e / 4) & 1u) << 8;
  return lattice_number(lattice_signed(lattice_row(index), weight_word(10 + e / 32) >> (e % 32 / 4 * 4)), e % 4);
}
