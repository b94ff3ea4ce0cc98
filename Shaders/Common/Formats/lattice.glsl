// What the lattice formats share. The including shader binds the table of the format's rows, see Common/lattice_buffer.glsl.

// A row: for iq3 four magnitudes, each a byte plus 128; for iq2 eight, four bits each, the second four above the first; for iq1
// the codes of eight numbers, two bits each. One word in any case: reading at a place of one's own is what costs.
uint lattice_row(uint index) { return lattice.v[index]; }

// Four magnitudes of a row of iq2, each a byte plus 128: the four bits of 8, 25 and 43 are 0, 5 and 11, where they differ.
uint iq2_magnitudes(uint row, uint part) {
  const uint four = row >> (4 * part);
  return four & 0x03030303u | four << 2 & 0x30303030u | 0x88888888u;
}

// Eight signs of which seven bits are stored: the last makes the number of negative ones even.
uint lattice_signs(uint seven) {
  const uint bits = seven & 127u;
  const uint folded = bits ^ bits >> 4;
  return bits | (0x6996u >> (folded & 15u) & 1u) << 7;
}

// The same word with sign bits: 128 more or less than each magnitude. The lowest four bits of `signs` count.
uint lattice_signed(uint magnitudes, uint signs) {
  const uint negative = weight_spread(signs);
  // The complement of 128 + m is one less than 128 - m.
  return (magnitudes ^ (negative << 8) - negative) + negative;
}

// Number `i` of that.
float lattice_number(uint word, uint i) { return weight_centered(word, 8 * i, 255, 128.0); }
