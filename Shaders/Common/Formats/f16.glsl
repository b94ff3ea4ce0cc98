// f16: plain binary16, read as halves of 32-bit words so that no 16-bit storage is needed.
#define WEIGHT_BLOCK 1
#define WEIGHT_BLOCK_HALVES 1
#define WEIGHT_WORD_CODES 2

uint weight_position(uint word, uint c) { return 2u * word + c; }
float weight_code(uint bits, uint c) { return unpackHalf2x16(bits)[c]; }
float weight_element(uint block, uint i) { return weight_half_float(block); }
