// Scale, offset and codes of SCALE_LENGTH elements of the unit.
//
// The host defines one of
//   SCALE_EXTREME    the scale is the number of the largest magnitude / SCALE_DIVISOR
//   SCALE_MAGNITUDE  it is the largest magnitude / SCALE_DIVISOR
//   SCALE_RANGE      it is (greatest − least) / SCALE_DIVISOR, and the least is the offset
// NUMBER_F16, NUMBER_BF16 or NUMBER_F32, the type of both, and either
//   LEAST_LEVEL, LAST_LEVEL  codes 0… are levels one apart
//   BOUNDARIES, BOUNDARY_LIST  the numbers in the middle between neighbouring levels, and how many there are
// Nothing here depends on how the device rounds but the last bits before the scale is rounded, and the choice between two levels
// that are equally near.

// The bits of element i of the unit: 0 if it is no number, at most 2^100, so that nothing overflows.
uint usable_bits(uint i) {
  const uint bits = element_bits(i), magnitude = bits & 0x7fffffffu;
  return magnitude > 0x7f800000u ? 0 : bits & 0x80000000u | min(magnitude, 0x71800000u);
}

// A number in its type, to nearest; beyond the largest it is that one.
uint number_bits(float value) {
  const uint bits = floatBitsToUint(value);
#if defined(NUMBER_F32)
  return bits;
#elif defined(NUMBER_BF16)
  return bfloat16_bits(bits);
#else
  const uint rounded = float16_bits(bits);
  return rounded & 0x8000u | min(rounded & 0x7fffu, 0x7bffu);
#endif
}

// What is stored for the numbers that are encoded, and 1 / scale, or 0.
uint scale_bits, offset_bits;
float offset, inverse;

// Finds scale and offset for the elements of the unit from `start` on.
void find_scale(uint start) {
  float scale;
  offset_bits = 0;
#if defined(SCALE_RANGE)
  float least = uintBitsToFloat(usable_bits(start)), greatest = least;
  for (uint i = 1; i < SCALE_LENGTH; i++) {
    const float value = uintBitsToFloat(usable_bits(start + i));
    least = min(least, value);
    greatest = max(greatest, value);
  }
  scale = (greatest - least) * (1.0 / SCALE_DIVISOR);
  offset_bits = number_bits(least);
#else
  uint largest = 0;
  for (uint i = 0; i < SCALE_LENGTH; i++) {
    const uint bits = usable_bits(start + i);
    if ((bits & 0x7fffffffu) > (largest & 0x7fffffffu)) largest = bits;
  }
#if defined(SCALE_MAGNITUDE)
  largest &= 0x7fffffffu;
#endif
  scale = uintBitsToFloat(largest) * (1.0 / SCALE_DIVISOR);
#endif
  // 2^-100, exactly.
  scale_bits = abs(scale) < uintBitsToFloat(0x0d800000u) ? 0 : number_bits(scale);
  scale = number_from(scale_bits);
  offset = number_from(offset_bits);
  inverse = scale == 0.0 ? 0.0 : 1.0 / scale;
}

#ifdef BOUNDARIES
const float boundaries[BOUNDARIES] = float[](BOUNDARY_LIST);
#endif

// The code of element i of the unit.
uint code_of(uint i) {
  const float steps = (uintBitsToFloat(usable_bits(i)) - offset) * inverse;
#ifdef BOUNDARIES
  float code = 0.0;
  [[unroll]] for (uint b = 0; b < BOUNDARIES; b++) code += step(boundaries[b], steps);
  return uint(code);
#else
  return uint(roundEven(clamp(steps, LEAST_LEVEL, LAST_LEVEL)) - (LEAST_LEVEL));
#endif
}
