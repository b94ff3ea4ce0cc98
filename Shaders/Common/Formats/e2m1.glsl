// Numbers of a sign, two bits of exponent and one of significand: 0, ½, 1, 1½, 2, 3, 4, 6.

// The number in the nibble at bit `place` of `bits`, a quarter of it, exactly.
//
// The three bits, as the low end of an exponent and the high end of a significand that are otherwise 2^-3, make f = 2^(e − 3) ·
// (1 + m / 2): a quarter of the number where e > 0, else a quarter of 2f − ¼.
float weight_e2m1(uint bits, uint place) {
  const uint magnitude = place < 22 ? bits << (22 - place) : bits >> (place - 22);
  const float f = uintBitsToFloat(magnitude & 0x01c00000u | 0x3e000000u);
  return uintBitsToFloat(floatBitsToUint(min(f, fma(2.0, f, -0.25))) | bits << (28 - place) & 0x80000000u);
}
