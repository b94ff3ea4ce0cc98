// iq2_s: an f16 scale; for each 8 elements a byte, the low bits of a row of eight magnitudes; for each 8 a byte of signs; for each
// 8 two high bits of the row; for each 16 elements four bits s. scale · (s + ½) / 4 · magnitude. 82 bytes; a step is half of it.
#define WEIGHT_BLOCK 256
#define WEIGHT_BLOCK_UNITS 41
#define WEIGHT_STEP 128
#define WEIGHT_UNIT 2
#define WEIGHT_PIECES 5
#define WEIGHT_WORDS 11
#define WEIGHT_PERIOD 0
#define WEIGHT_SCALED
#define WEIGHT_GROUPS 8
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](2, 16, 16, 4, 4);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](false, false, false, false, false);

uint weight_piece_start(uint piece, uint part) {
  if (piece < 3) return piece == 0 ? 0 : 16 * piece - 15 + 8 * part;
  return 4 * piece + 21 + 2 * part;
}

float weight_scale(uint step, uint g) {
  return unpackHalf2x16(weight_word(0)).x * fma(float(weight_word(10) >> (4 * g) & 15u), 0.25, 0.125);
}
float weight_code(uint step, uint e) {
  const uint word = e / 32, shift = 8 * (e % 32 / 8);
  const uint row = weight_word(1 + word) >> shift & 255u | (weight_word(9) >> (e / 8 * 2) & 3u) << 8;
  const uint magnitudes = iq2_magnitudes(lattice_row(row), e % 8 / 4);
  return lattice_number(lattice_signed(magnitudes, weight_word(5 + word) >> (e % 32 / 4 * 4)), e % 4);
}
