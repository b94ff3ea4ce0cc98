// AWQ: for each element of the rows, the codes of 4 bits of eight neighbouring rows in a word, in the order 0, 2, 4, 6, 1, 3, 5, 7.
// Then for each group of GROUP_LENGTH elements zero points likewise, and the f16 scales of all rows. The value is
// scale · (code − zero point). The number of rows is a multiple of 8.
#define WEIGHT_STEP 32
#define WEIGHT_UNIT 4
#define WEIGHT_PERIOD 0
#define WEIGHT_SCALED
#define WEIGHT_OFFSETS
#define WEIGHT_GROUPS 1
#define WEIGHT_PIECES 1
#define WEIGHT_WORDS 32
#define WEIGHT_STRIDE(piece) (WEIGHT_ROWS / 8)
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](128);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](true);

uint weight_row_start(uint piece, uint row) { return row / 8; }
uint weight_step_start(uint piece, uint step) { return step * 32 * (WEIGHT_ROWS / 8); }

uint row_code(uint word) { return word >> (4 * (weight_row % 2 * 4 + weight_row % 8 / 2)) & 15; }

float weight_scale(uint step, uint g) {
  const uint groups = WEIGHT_COLUMNS / GROUP_LENGTH, zeros = (WEIGHT_COLUMNS * (WEIGHT_ROWS / 8) + 3) & ~3u;
  const uint scales = (zeros + groups * (WEIGHT_ROWS / 8) + 3) & ~3u;
  const uint half_index = step * 32 / GROUP_LENGTH * WEIGHT_ROWS + weight_row;
  return unpackHalf2x16(WEIGHT_LOAD(scales + half_index / 2) >> (half_index % 2 * 16)).x;
}
// Exact: a scale times a small integer.
float weight_offset(uint step, uint g) {
  const uint zeros = (WEIGHT_COLUMNS * (WEIGHT_ROWS / 8) + 3) & ~3u;
  const uint word = zeros + step * 32 / GROUP_LENGTH * (WEIGHT_ROWS / 8) + weight_row / 8;
  return -weight_scale(step, g) * float(row_code(WEIGHT_LOAD(word)));
}
float weight_code(uint step, uint e) { return float(row_code(weight_word(e))); }
