// GPTQ: codes of CODE_BITS bits in a string down each column of the file, which is a row of the weight: the words of a row are
// WEIGHT_ROWS words apart. Then for each group of GROUP_LENGTH elements the zero points of all rows in a string, and the f16 scales
// of all rows; with ORDERED_GROUPS the group of each element. The value is scale · (code − zero point − ZERO_OFFSET).
// The number of rows is even.
#define WEIGHT_STEP 32
#define WEIGHT_UNIT 4
#define WEIGHT_PERIOD 0
#define WEIGHT_PIECES 1
#define WEIGHT_WORDS CODE_BITS
#define WEIGHT_STRIDE(piece) WEIGHT_ROWS
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](4 * CODE_BITS);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](true);

uint weight_row_start(uint piece, uint row) { return row; }
uint weight_step_start(uint piece, uint step) { return step * CODE_BITS * WEIGHT_ROWS; }

uint section_after(uint words) { return (words + 3) & ~3u; }
uint zeros_begin() { return section_after(WEIGHT_COLUMNS / 32 * CODE_BITS * WEIGHT_ROWS); }
uint scales_begin() { return section_after(zeros_begin() + WEIGHT_COLUMNS / GROUP_LENGTH * (WEIGHT_ROWS * CODE_BITS / 32)); }

float group_scale(uint group) {
  const uint half_index = group * WEIGHT_ROWS + weight_row;
  return unpackHalf2x16(WEIGHT_LOAD(scales_begin() + half_index / 2) >> (half_index % 2 * 16)).x;
}
float group_zero(uint group) {
  const uint bit = weight_row * CODE_BITS;
  const uint word = zeros_begin() + group * (WEIGHT_ROWS * CODE_BITS / 32) + bit / 32, place = bit % 32;
  uint code = WEIGHT_LOAD(word) >> place;
  if (place + CODE_BITS > 32) code |= WEIGHT_LOAD(word + 1) << (32 - place);
  return float((code & CODE_MASK) + ZERO_OFFSET);
}

#ifdef ORDERED_GROUPS
// Every element has a group of its own.
float weight_code(uint step, uint e) {
  const uint indices = section_after(scales_begin() + WEIGHT_COLUMNS / GROUP_LENGTH * WEIGHT_ROWS / 2);
  // A group that does not exist, from a broken file, is the last one, so that nothing else is read.
  const uint group = min(WEIGHT_LOAD(indices + step * 32 + e), WEIGHT_COLUMNS / GROUP_LENGTH - 1);
  return group_scale(group) * string_centered(e, group_zero(group));
}
#else
#define WEIGHT_SCALED
#define WEIGHT_OFFSETS
#define WEIGHT_GROUPS 1
float weight_scale(uint step, uint g) { return group_scale(step * 32 / GROUP_LENGTH); }
// Exact: a scale times a small integer.
float weight_offset(uint step, uint g) {
  const uint group = step * 32 / GROUP_LENGTH;
  return -group_scale(group) * group_zero(group);
}
float weight_code(uint step, uint e) { return string_centered(e, 0.0); }
#endif
