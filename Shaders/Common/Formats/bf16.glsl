// bf16: the upper halves of binary32 numbers, two in a 32-bit word.
#define WEIGHT_BLOCK 1
#define WEIGHT_BLOCK_HALVES 1
#define WEIGHT_WORD_CODES 2

uint weight_position(uint word, uint c) { return 2u * word + c; }
float weight_code(uint bits, uint c) { return uintBitsToFloat(c == 0u ? bits << 16 : bits & 0xffff0000u); }
float weight_element(uint block, uint i) { return uintBitsToFloat(weight_half(block) << 16); }
