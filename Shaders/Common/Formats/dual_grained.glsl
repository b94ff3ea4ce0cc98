// DGQ: codes q of 4 bits in a string for each row; for each row and GROUP_LENGTH elements a signed byte r, then a byte z; for each
// row an f16 number s: the value is (q − z) · r · s.
#define WEIGHT_STEP 32
#define WEIGHT_UNIT 2
#define WEIGHT_PERIOD 0
#define WEIGHT_SCALED
#define WEIGHT_OFFSETS
#define WEIGHT_GROUPS 1
#define WEIGHT_PIECES 1
#define WEIGHT_WORDS 4
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](16);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](true);

uint weight_row_start(uint piece, uint row) { return row * (WEIGHT_COLUMNS / 32 * 8); }
uint weight_step_start(uint piece, uint step) { return step * 8; }

// The signed byte of the group in the first or the second section of bytes.
int group_byte(uint step, uint section) {
  const uint bytes = WEIGHT_ROWS * (WEIGHT_COLUMNS / GROUP_LENGTH);
  const uint first = section_after(weight_row_start(0, WEIGHT_ROWS)) * 2;
  const uint at = first + section * ((bytes + 15) & ~15u) + weight_row * (WEIGHT_COLUMNS / GROUP_LENGTH) + step * 32 / GROUP_LENGTH;
  return int(WEIGHT_LOAD(at / 4) << (24 - at % 4 * 8)) >> 24;
}

// r · s and −z · r · s, which both are exact.
float weight_scale(uint step, uint g) {
  const uint bytes = (WEIGHT_ROWS * (WEIGHT_COLUMNS / GROUP_LENGTH) + 15) & ~15u;
  const uint numbers = section_after(weight_row_start(0, WEIGHT_ROWS)) + bytes;
  return float(group_byte(step, 0)) * number_at(numbers + weight_row);
}
float weight_offset(uint step, uint g) { return -float(group_byte(step, 1)) * weight_scale(step, g); }
float weight_code(uint step, uint e) { return string_centered(e, 0.0); }
