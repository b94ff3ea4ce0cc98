// mxfp4: the byte e, a scale of 2^(e − 127), then 16 bytes: elements 0…15 in the low nibbles, 16…31 in the high ones, as numbers
// of four bits. 17 bytes.
#define WEIGHT_BLOCK 32
#define WEIGHT_BLOCK_UNITS 17
#define WEIGHT_STEP 32
#define WEIGHT_UNIT 1
#define WEIGHT_PIECES 2
#define WEIGHT_WORDS 5
#define WEIGHT_PERIOD 4
#define WEIGHT_WINDOW
#define WEIGHT_SCALED
#define WEIGHT_GROUPS 1
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](1, 16);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](false, false);

uint weight_piece_start(uint piece, uint part) { return piece; }

// Times four, which keeps the smallest scales normal; the largest become infinite as most of their multiples are.
float weight_scale(uint step, uint g) { return uintBitsToFloat(min((weight_word(0) & 255u) + 2, 255) << 23); }
float weight_code(uint step, uint e) { return weight_e2m1(weight_word(1 + e % 16 / 4), 8 * (e % 4) + 4 * (e / 16)); }
