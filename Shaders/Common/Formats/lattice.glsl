// What the lattice formats share.
#include "Common/Formats/iq1_rows.glsl"
#include "Common/Formats/iq2_rows.glsl"
#include "Common/Formats/iq3_rows.glsl"

uint lattice_row(uint index) { return lattice_rows[index / 2] >> (16 * (index % 2)); }

// Eight signs of which seven bits are stored: the last makes the number of negative ones even.
uint lattice_signs(uint seven) {
  const uint bits = seven & 127u;
  const uint folded = bits ^ bits >> 4;
  return bits | (0x6996u >> (folded & 15u) & 1u) << 7;
}

// A positive number with sign bit `i` of `signs`.
float lattice_signed(float value, uint signs, uint i) {
  return uintBitsToFloat(floatBitsToUint(value) | signs << (31 - i) & 0x80000000u);
}

// Magnitude `i` of a row of iq2_xxs, iq2_xs or iq2_s: 8, 25 or 43, a polynomial of its code.
float iq2_magnitude(uint row, uint i) {
  const float q = weight_centered(row, 2 * i, 3, 0.0);
  return fma(fma(q, 0.5, 16.5), q, 8.0);
}
