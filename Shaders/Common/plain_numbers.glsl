// Plain numbers of WEIGHT_NUMBER_BYTES bytes, 2 or 4, one after the other. The format defines that and weight_number.
#define WEIGHT_STEP 32
#define WEIGHT_UNIT WEIGHT_NUMBER_BYTES
#define WEIGHT_PIECES 1
#define WEIGHT_WORDS (8 * WEIGHT_NUMBER_BYTES)
#define WEIGHT_PERIOD 1
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](32 * WEIGHT_NUMBER_BYTES);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](WEIGHT_NUMBER_BYTES == 4);

uint weight_row_start(uint piece, uint row) { return row * WEIGHT_COLUMNS; }
uint weight_step_start(uint piece, uint step) { return step * 32; }

float weight_code(uint step, uint e) {
  const uint byte = e * WEIGHT_NUMBER_BYTES;
  return weight_number(weight_word(byte / 4), byte % 4);
}
