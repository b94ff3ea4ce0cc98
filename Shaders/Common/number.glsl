// Numbers in f16, bf16 or f32, by the macro NUMBER_F16, NUMBER_BF16 or NUMBER_F32, at any half of the tensor.
#ifdef NUMBER_F32
#define NUMBER_HALVES 2
#define NUMBER_ALIGNED true
#else
#define NUMBER_HALVES 1
#define NUMBER_ALIGNED false
#endif

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

// The number that begins at half `at`.
float number_at(uint at) { return number_from(WEIGHT_LOAD(at / 2) >> (at % 2 * 16)); }

// Where the next section begins, in halves: at a multiple of 16 bytes.
uint section_after(uint halves) { return (halves + 7) & ~7u; }
