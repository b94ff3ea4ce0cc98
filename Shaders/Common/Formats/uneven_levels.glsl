// The 16 integers that the codes of iq4_nl and iq4_xs choose: −127, −104, −83, −65, −49, −35, −22, −10, 1, 13, 25, 38, 53, 69,
// 89, 113. They lie within 0.434 of a polynomial of the fourth degree, so that rounding gives them exactly on any device and in
// fewer steps than a table that each invocation reads at a place of its own.
#define WEIGHT_LEVELS 16
#define WEIGHT_LEVEL_PARTS 1
float weight_uneven(uint bits, uint place) {
  const float t = weight_centered(bits, place, 15, 8.0);
  return roundEven(fma(fma(fma(fma(0.00158604, t, 0.0818398), t, -0.0168121), t, 11.4398), t, 1.43299));
}
float weight_level(uint code, uint part) { return weight_uneven(code, 0); }

// The integer that the code at bit `place` chooses.
#ifdef WEIGHT_LEVEL_LANES
#define UNEVEN_LEVEL(bits, place) weight_chosen((bits) >> (place) & 15u, 0)
#else
#define UNEVEN_LEVEL(bits, place) weight_uneven(bits, place)
#endif
