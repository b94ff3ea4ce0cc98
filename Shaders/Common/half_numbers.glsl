// Plain numbers of 16 bits, two in a 32-bit word. The format defines weight_number.
#define WEIGHT_STEP 32
#define WEIGHT_UNIT 2
#define WEIGHT_PIECES 1
#define WEIGHT_WORDS 16
#define WEIGHT_PERIOD 1
#define WEIGHT_NUMBER_BYTES 2
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](64);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](false);

uint weight_row_start(uint piece, uint row) { return row * WEIGHT_COLUMNS; }
uint weight_step_start(uint piece, uint step) { return step * 32; }

float weight_code(uint step, uint e) { return weight_number(weight_word(e / 2), e % 2 * 2); }
