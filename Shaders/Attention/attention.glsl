// What the attention kernels share: how the cache is read, and the masked softmax.
//
// HEAD_SIZE: elements of one head, a multiple of 8. CACHE_F16: the cache is binary16, else binary32.
// A cell of the cache is UNITS units of 16 bytes or WORDS words; a unit holds UNIT_PARTS vec4.
#extension GL_EXT_control_flow_attributes : require

#ifdef CACHE_F16
#define UNIT_PARTS 2
#define WORD_ELEMENTS 2
#else
#define UNIT_PARTS 1
#define WORD_ELEMENTS 1
#endif
#define UNITS (HEAD_SIZE / (4 * UNIT_PARTS))
#define WORDS (HEAD_SIZE / WORD_ELEMENTS)

// Below every score, and finite: the difference of two of them is no NaN.
#define LOWEST (-3.4e38)

struct Unit { vec4 part[UNIT_PARTS]; };

Unit unpack_unit(uvec4 words) {
  Unit unit;
#ifdef CACHE_F16
  unit.part[0] = vec4(unpackHalf2x16(words.x), unpackHalf2x16(words.y));
  unit.part[1] = vec4(unpackHalf2x16(words.z), unpackHalf2x16(words.w));
#else
  unit.part[0] = uintBitsToFloat(words);
#endif
  return unit;
}

#ifdef CACHE_F16
#define WORD_TYPE vec2
vec2 unpack_word(uint word) { return unpackHalf2x16(word); }
#else
#define WORD_TYPE float
float unpack_word(uint word) { return uintBitsToFloat(word); }
#endif

float add_dot(vec4 a, vec4 b, float sum) {
  return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
}

// exp(from - to) for a running maximum that rises from `from` to `to`. Exactly 1 if it does not rise, so that keys which
// a row does not see, but a neighbour does, change no bit of the row.
float rescale(float from, float to) { return from == to ? 1.0 : exp(from - to); }

// The keys that the row of this token sees.
uint visible_keys(int position, uint keys) { return uint(clamp(position, -1, int(keys) - 1) + 1); }
