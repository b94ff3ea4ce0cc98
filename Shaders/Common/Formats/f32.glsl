// f32: plain binary32.
#define WEIGHT_STEP 32
#define WEIGHT_UNIT 4
#define WEIGHT_PIECES 1
#define WEIGHT_WORDS 32
#define WEIGHT_PERIOD 1
#define WEIGHT_NUMBER_BYTES 4
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](128);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](true);

uint weight_row_start(uint piece, uint row) { return row * WEIGHT_COLUMNS; }
uint weight_step_start(uint piece, uint step) { return step * 32; }

float weight_number(uint bits, uint skipped) { return uintBitsToFloat(bits); }
float weight_code(uint step, uint e) { return weight_number(weight_word(e), 0); }
