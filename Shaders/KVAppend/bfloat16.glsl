// Rounds binary32 to bfloat16, to nearest with ties to even, in integer arithmetic; what is not a number becomes a quiet one.
uint bfloat16_bits(uint bits) {
  if ((bits & 0x7fffffffu) > 0x7f800000u) return bits >> 16 & 0x8000u | 0x7fc0u;
  return (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
}
