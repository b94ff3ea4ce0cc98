// A number in f16, bf16 or f32, by the macro NUMBER_F16, NUMBER_BF16 or NUMBER_F32.

// The number in the first bytes of a word.
float number_from(uint bits) {
#if defined(NUMBER_F32)
  return uintBitsToFloat(bits);
#elif defined(NUMBER_BF16)
  return uintBitsToFloat(bits << 16);
#else
  return unpackHalf2x16(bits).x;
#endif
}
