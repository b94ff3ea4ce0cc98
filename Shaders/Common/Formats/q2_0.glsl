// q2_0: an f16 scale, then 64 codes of two bits, each plus 1. 18 bytes.
#define WEIGHT_BLOCK 64
#define WEIGHT_BLOCK_UNITS 9
#define WEIGHT_STEP 64
#define WEIGHT_UNIT 2
#define WEIGHT_PIECES 2
#define WEIGHT_WORDS 5
#define WEIGHT_PERIOD 2
#define WEIGHT_WINDOW
#define WEIGHT_SCALED
#define WEIGHT_GROUPS 1
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](2, 16);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](false, false);

uint weight_piece_start(uint piece, uint part) { return piece; }

float weight_scale(uint step, uint g) { return unpackHalf2x16(weight_word(0)).x; }
float weight_code(uint step, uint e) { return weight_centered(weight_word(1 + e / 16), e % 16 * 2, 3, 1.0); }
