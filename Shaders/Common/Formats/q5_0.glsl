// q5_0: an f16 scale, 32 fifth bits, then 16 bytes: the other four of elements 0…15 in the low nibbles, of 16…31 in the high
// ones; each plus 16. 22 bytes.
#define WEIGHT_BLOCK 32
#define WEIGHT_BLOCK_UNITS 11
#define WEIGHT_PERIOD 2
#define WEIGHT_WINDOW
#define WEIGHT_SCALED_BLOCK

float weight_code(uint step, uint e) {
  const uint four = weight_word(2 + e % 16 / 4) >> (4 * (e / 16)) & 0x0f0f0f0fu;
  return weight_centered(four | weight_spread(weight_word(1) >> (e / 4 * 4)) << 4, 8 * (e % 4), 31, 16.0);
}
