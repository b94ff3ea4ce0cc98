// iq4_nl: an f16 scale, then 16 bytes: elements 0…15 in the low nibbles, 16…31 in the high ones; a nibble chooses one of 16
// integers. 18 bytes.
#define WEIGHT_BLOCK 32
#define WEIGHT_BLOCK_UNITS 9
#define WEIGHT_PERIOD 2
#define WEIGHT_WINDOW
#define WEIGHT_SCALED_BLOCK

float weight_code(uint step, uint e) { return UNEVEN_LEVEL(weight_word(1 + e % 16 / 4), 8 * (e % 4) + 4 * (e / 16)); }
