// f32: plain binary32.
#define WEIGHT_NUMBER_BYTES 4

float weight_number(uint bits, uint skipped) { return uintBitsToFloat(bits); }
