// q2_0: an f16 scale, then 64 codes of two bits, each plus 1. 18 bytes.
#define WEIGHT_BLOCK 64
#define WEIGHT_BLOCK_UNITS 9
#define WEIGHT_PERIOD 2
#define WEIGHT_WINDOW
#define WEIGHT_SCALED_BLOCK

float weight_code(uint step, uint e) { return weight_centered(weight_word(1 + e / 16), e % 16 * 2, 3, 1.0); }
