// f16: plain binary16, two in a 32-bit word, so that no 16-bit storage is needed.
#define WEIGHT_NUMBER_BYTES 2

float weight_number(uint bits, uint skipped) { return unpackHalf2x16(bits)[skipped / 2]; }
