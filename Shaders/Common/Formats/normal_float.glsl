// Codes of CODE_BITS bits, 2, 3, 4 or 8, that choose quantiles of the normal distribution: in a string for each row, then the scales of
// groups of GROUP_LENGTH elements, 16 or a multiple of 32: numbers of each row or, with SCALE_BITS, counted through the tensor,
// integers of SCALE_BITS bits in a string, a number for each SCALE_BLOCK of them, and one binary32 number.
#define WEIGHT_STEP 32
#define WEIGHT_UNIT 2
#define WEIGHT_PERIOD 0
#define WEIGHT_SCALED
#if GROUP_LENGTH < 32
#define WEIGHT_GROUPS (32 / GROUP_LENGTH)
#else
#define WEIGHT_GROUPS 1
#endif
#define WEIGHT_PIECES 1
#define WEIGHT_WORDS CODE_BITS
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](4 * CODE_BITS);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](true);

uint weight_row_start(uint piece, uint row) { return row * (WEIGHT_COLUMNS / 32 * CODE_BITS * 2); }
uint weight_step_start(uint piece, uint step) { return step * CODE_BITS * 2; }

float weight_scale(uint step, uint g) {
  const uint groups = WEIGHT_COLUMNS / GROUP_LENGTH;
  const uint index = weight_row * groups + (step * 32 / GROUP_LENGTH + g);
  const uint scales = section_after(weight_row_start(0, WEIGHT_ROWS));
#ifdef SCALE_BITS
  const uint bit = index * SCALE_BITS, word = scales / 2 + bit / 32, place = bit % 32;
  uint code = WEIGHT_LOAD(word) >> place;
  if (place + SCALE_BITS > 32) code |= WEIGHT_LOAD(word + 1) << (32 - place);
  const uint all = WEIGHT_ROWS * groups;
  const uint second = section_after(scales + (all * SCALE_BITS + 31) / 32 * 2);
  const uint least = section_after(second + (all + SCALE_BLOCK - 1) / SCALE_BLOCK * NUMBER_HALVES);
  // Both roundings are the format's.
  precise const float product = float(code & ((1u << SCALE_BITS) - 1)) * number_at(second + index / SCALE_BLOCK * NUMBER_HALVES);
  precise const float sum = product + uintBitsToFloat(WEIGHT_LOAD(least / 2));
  return sum;
#else
  return number_at(scales + index * NUMBER_HALVES);
#endif
}

#if CODE_BITS == 8
// Too many for an array of constants: the including shader binds them, see Common/lattice_buffer.glsl.
float weight_code(uint step, uint e) { return uintBitsToFloat(lattice.v[string_code(e)]); }
#else
#if CODE_BITS == 2
const float normal_floats[4] = float[](-1.0, 0.0, 0.33791524171829224, 1.0);
#elif CODE_BITS == 3
const float normal_floats[8] = float[](-1.0, -0.47862803936004639, -0.21714121103286743, 0.0, 0.16093020141124725,
                                       0.33791524171829224, 0.56261700391769409, 1.0);
#else
const float normal_floats[16] = float[](
  -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
  -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
  0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0);
#endif
#define WEIGHT_LEVELS (1 << CODE_BITS)
#define WEIGHT_LEVEL_PARTS 1
float weight_level(uint code, uint part) { return normal_floats[code]; }
float weight_code(uint step, uint e) { return weight_chosen(string_code(e), 0); }
#endif
