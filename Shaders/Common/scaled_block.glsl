// Blocks of an f16 scale and then codes, of whole words, each block a step. The format defines WEIGHT_BLOCK, WEIGHT_BLOCK_UNITS
// in halves, WEIGHT_PERIOD and weight_code, for which the codes begin with word 1.
#define WEIGHT_STEP WEIGHT_BLOCK
#define WEIGHT_UNIT 2
#define WEIGHT_PIECES 2
#define WEIGHT_WORDS (1 + (WEIGHT_BLOCK_UNITS - 1) / 2)
#define WEIGHT_SCALED
#define WEIGHT_GROUPS 1
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](2, 2 * (WEIGHT_BLOCK_UNITS - 1));
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](false, false);

uint weight_piece_start(uint piece, uint part) { return piece; }

float weight_scale(uint step, uint g) { return unpackHalf2x16(weight_word(0)).x; }
