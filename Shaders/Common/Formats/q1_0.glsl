// q1_0: an f16 scale d, then 128 bits, d for a set one and −d for another. 18 bytes.
#define WEIGHT_BLOCK 128
#define WEIGHT_BLOCK_UNITS 9
#define WEIGHT_STEP 128
#define WEIGHT_UNIT 2
#define WEIGHT_PIECES 2
#define WEIGHT_WORDS 5
#define WEIGHT_PERIOD 0
#define WEIGHT_SCALED
#define WEIGHT_GROUPS 1
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](2, 16);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](false, false);

uint weight_piece_start(uint piece, uint part) { return piece; }

float weight_scale(uint step, uint g) { return unpackHalf2x16(weight_word(0)).x; }
// The sign of a one.
float weight_code(uint step, uint e) {
  return uintBitsToFloat((weight_word(1 + e / 32) << (31 - e % 32) & 0x80000000u) ^ 0xbf800000u);
}
