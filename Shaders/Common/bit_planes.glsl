// What the planes of a code are worth: eight coefficients as signed halves of four words, plane 0 in the lower half of the
// first.
int plane_coefficient(uvec4 coefficients, uint plane) {
  return bitfieldExtract(int(coefficients[plane / 2u]), int(plane % 2u * 16u), 16);
}
