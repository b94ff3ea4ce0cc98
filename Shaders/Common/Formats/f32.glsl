// f32: plain binary32.
#define WEIGHT_BLOCK 1
#define WEIGHT_BLOCK_HALVES 2
float weight_element(uint block, uint i) { return uintBitsToFloat(WEIGHT_WORD(block >> 1)); }
