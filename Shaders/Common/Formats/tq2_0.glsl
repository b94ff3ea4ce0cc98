// tq2_0: codes of two bits, plus 1, four to a byte 32 elements apart, 32 bytes for each 128 elements; an f16 scale. 66 bytes; a
// step is half of it.
#define WEIGHT_BLOCK 256
#define WEIGHT_BLOCK_UNITS 33
#define WEIGHT_STEP 128
#define WEIGHT_UNIT 2
#define WEIGHT_PIECES 2
#define WEIGHT_WORDS 9
#define WEIGHT_PERIOD 0
#define WEIGHT_SCALED
#define WEIGHT_GROUPS 1
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](32, 2);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](false, false);

uint weight_piece_start(uint piece, uint part) { return piece == 0 ? 16 * part : 32; }

float weight_scale(uint step, uint g) { return unpackHalf2x16(weight_word(8)).x; }
float weight_code(uint step, uint e) { return weight_centered(weight_word(e % 32 / 4), 8 * (e % 4) + 2 * (e / 32), 3, 1.0); }
