// q8_0: an f16 scale, then 32 signed bytes. 34 bytes.
#define WEIGHT_BLOCK 32
#define WEIGHT_BLOCK_UNITS 17
#define WEIGHT_PERIOD 2
#define WEIGHT_WINDOW
#define WEIGHT_SCALED_BLOCK

float weight_code(uint step, uint e) { return float(int(weight_word(1 + e / 4) << (24 - 8 * (e % 4))) >> 24); }
