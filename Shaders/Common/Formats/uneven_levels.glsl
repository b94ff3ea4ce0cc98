// The 16 integers that the codes of iq4_nl and iq4_xs choose: −127, −104, −83, −65, −49, −35, −22, −10, 1, 13, 25, 38, 53, 69,
// 89, 113. They lie within 0.434 of a polynomial of the fourth degree, so that rounding gives them exactly on any device and in
// fewer steps than a table that each invocation reads at a place of its own.
float weight_uneven(uint bits, uint place) {
  const float t = weight_centered(bits, place, 15, 8.0);
  return roundEven(fma(fma(fma(fma(0.00158604, t, 0.0818398), t, -0.0168121), t, 11.4398), t, 1.43299));
}
