// q1_0: an f16 scale d, then 128 bits, d for a set one and −d for another. 18 bytes.
#define WEIGHT_BLOCK 128
#define WEIGHT_BLOCK_UNITS 9
#define WEIGHT_PERIOD 0
#define WEIGHT_SCALED_BLOCK

// The sign of a one.
float weight_code(uint step, uint e) {
  return uintBitsToFloat((weight_word(1 + e / 32) << (31 - e % 32) & 0x80000000u) ^ 0xbf800000u);
}
