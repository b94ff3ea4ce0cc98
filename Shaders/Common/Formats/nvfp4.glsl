// nvfp4: four scales of four bits of exponent and three of significand, one for each 16 elements; then 8 bytes for each 16:
// elements 0…7 in the low nibbles, 8…15 in the high ones, as numbers of four bits. 36 bytes.
#define WEIGHT_BLOCK 64
#define WEIGHT_BLOCK_UNITS 9
#define WEIGHT_STEP 64
#define WEIGHT_UNIT 4
#define WEIGHT_PIECES 1
#define WEIGHT_WORDS 9
#define WEIGHT_PERIOD 1
#define WEIGHT_WINDOW
#define WEIGHT_SCALED
#define WEIGHT_GROUPS 4
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](36);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](true);

uint weight_piece_start(uint piece, uint part) { return 0; }

// Times four. The sign is ignored; 0x7f is not a number and means zero.
float weight_scale(uint step, uint g) {
  const uint bits = weight_word(0) >> (8 * g) & 255u;
  const uint magnitude = bits & 127u;
  // Without an implicit one a number is that many times 2^-9.
  const float value = magnitude < 8 ? float(magnitude) * 0.0078125 : uintBitsToFloat((magnitude << 20) + (122u << 23));
  return bits == 127 ? 0.0 : value;
}
float weight_code(uint step, uint e) {
  return weight_e2m1(weight_word(1 + e / 16 * 2 + e % 8 / 4), 8 * (e % 4) + e % 16 / 8 * 4);
}
