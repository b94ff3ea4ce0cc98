// The numbers of q4_K and q5_K, in words 0…3 of a step of half a block: f16 numbers d and m, then for each 32 elements a scale
// and an offset of six bits. Of the 12 bytes, 0–3 hold the first four scales, 4–7 the first four offsets; 8–11 the low four bits
// of the other scales and, above, offsets, whose two high bits are those of bytes 0–3 and 4–7.

// The four numbers of step `step`, one in each byte; `word` has the first four, and `shift` is where the others are in word 3.
uint k_six_bits(uint step, uint word, uint shift) {
  const uint bits = weight_word(word);
  return step % 2 == 0 ? bits & 0x3f3f3f3fu : weight_word(3) >> shift & 0x0f0f0f0fu | bits >> 2 & 0x30303030u;
}

float weight_scale(uint step, uint g) {
  return unpackHalf2x16(weight_word(0)).x * float(k_six_bits(step, 1, 0) >> (8 * g) & 63u);
}
float weight_offset(uint step, uint g) {
  return -unpackHalf2x16(weight_word(0)).y * float(k_six_bits(step, 2, 4) >> (8 * g) & 63u);
}
