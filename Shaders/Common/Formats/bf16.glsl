// bf16: the upper halves of binary32 numbers, two in a 32-bit word.
#define WEIGHT_NUMBER_BYTES 2

float weight_number(uint bits, uint skipped) { return uintBitsToFloat(skipped == 0 ? bits << 16 : bits & 0xffff0000u); }
