// f32: plain binary32.
#define WEIGHT_BLOCK 1
#define WEIGHT_BLOCK_HALVES 2
#define WEIGHT_WORD_CODES 1

uint weight_position(uint word, uint c) { return word; }
float weight_code(uint bits, uint c) { return uintBitsToFloat(bits); }
float weight_element(uint block, uint i) { return uintBitsToFloat(WEIGHT_WORD(block >> 1)); }
