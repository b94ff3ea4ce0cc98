// q5_K: as q4_K, with 32 bytes of fifth bits, eight to a byte 32 elements apart, between the scales and the other bits. 176
// bytes; a step is half of it.
#define WEIGHT_BLOCK 256
#define WEIGHT_BLOCK_UNITS 44
#define WEIGHT_STEP 128
#define WEIGHT_UNIT 4
#define WEIGHT_PIECES 2
#define WEIGHT_WORDS 28
#define WEIGHT_PERIOD 1
#define WEIGHT_SCALED
#define WEIGHT_OFFSETS
#define WEIGHT_GROUPS 4
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](48, 64);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](true, true);

uint weight_piece_start(uint piece, uint part) { return piece == 0 ? 0 : 12 + 16 * part; }

float weight_code(uint step, uint e) {
  const uint i = e % 32 / 4;
  const uint four = weight_word(12 + e / 64 * 8 + i) >> (e % 64 / 32 * 4) & 0x0f0f0f0fu;
  const uint fifth = (weight_word(4 + i) >> (4 * (step % 2))) >> (e / 32) & 0x01010101u;
  return weight_centered(four | fifth << 4, 8 * (e % 4), 31, 0.0);
}
