// Rounds binary32 to binary16, to nearest with ties to even, in integer arithmetic: packHalf2x16 may round either way.
uint float16_bits(uint bits) {
  const uint sign = (bits >> 16) & 0x8000u;
  const uint magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return sign | 0x7e00u;                  // NaN
  if (magnitude >= 0x477ff000u) return sign | 0x7c00u;                 // rounds to infinity
  if (magnitude >= 0x38800000u) {                                      // normal in binary16
    return sign | ((magnitude + 0xfffu + ((magnitude >> 13) & 1u) - 0x38000000u) >> 13);
  }
  if (magnitude <= 0x33000000u) return sign;                           // at most half of the least subnormal
  const uint shift = 126u - (magnitude >> 23);
  const uint significand = (magnitude & 0x7fffffu) | 0x800000u;
  const uint kept = significand >> shift;
  const uint lost = significand & ((1u << shift) - 1u);
  const uint half_way = 1u << (shift - 1u);
  return sign | (kept + uint(lost > half_way || (lost == half_way && (kept & 1u) == 1u)));
}
