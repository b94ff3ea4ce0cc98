// q4_0: an f16 scale, then 16 bytes: elements 0…15 in the low nibbles, 16…31 in the high ones, each plus 8. 18 bytes.
#define WEIGHT_BLOCK 32
#define WEIGHT_BLOCK_HALVES 9
float weight_element(uint block, uint i) {
  uint position = i % 16;
  uint bits = weight_half(block + 1 + position / 2);
  uint code = (bits >> ((position % 2) * 8 + (i / 16) * 4)) & 15u;
  return weight_half_float(block) * (float(code) - 8.0);
}
