// What the lattice formats share. The including shader binds the table of the format's rows, see Common/lattice_buffer.glsl.

// The codes of a row's numbers: two bits each for eight, three for four.
uint lattice_row(uint index) { return lattice.v[index]; }

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
