// tq1_0: codes from 0 to 2, plus 1, as the ternary digits of bytes b: digit i is ⌊3^i b / 256⌋ mod 3, i from 1 to 5. 32 bytes for
// elements 0…159, 32 apart in a byte, 16 for 160…239, 16 apart, 4 of four digits for 240…255, 4 apart; an f16 scale. 54 bytes.
#define WEIGHT_BLOCK 256
#define WEIGHT_BLOCK_UNITS 27
#define WEIGHT_STEP 256
#define WEIGHT_UNIT 2
#define WEIGHT_PIECES 1
#define WEIGHT_WORDS 14
#define WEIGHT_PERIOD 0
#define WEIGHT_SCALED
#define WEIGHT_GROUPS 1
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](54);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](false);

uint weight_piece_start(uint piece, uint part) { return 0; }

float weight_scale(uint step, uint g) { return unpackHalf2x16(weight_word(13)).x; }
float weight_code(uint step, uint e) {
  const uint begin = e < 160 ? 0 : e < 240 ? 160 : 240, plane = e < 160 ? 32 : e < 240 ? 16 : 4;
  const uint byte = (begin == 0 ? 0 : begin == 160 ? 32 : 48) + (e - begin) % plane, i = (e - begin) / plane;
  const uint power = i == 0 ? 1 : i == 1 ? 3 : i == 2 ? 9 : i == 3 ? 27 : 81;
  // Two bytes at once, each with 16 bits to itself: the fraction of 3^(i-1) b / 256, times three.
  const uint pair = weight_word(byte / 4) >> (8 * (byte % 2)) & 0x00ff00ffu;
  return weight_centered((pair * power & 0x00ff00ffu) * 3, 8 + byte % 4 / 2 * 16, 3, 1.0);
}
