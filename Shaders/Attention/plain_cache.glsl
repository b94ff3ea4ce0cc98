// Caches of plain numbers: binary16 with KEY_F16 and VALUE_F16, bfloat16 with KEY_BF16 and VALUE_BF16, else binary32.
//
// A cell of k is KEY_UNITS units of 16 bytes, each KEY_PARTS vec4; a cell of v is VALUE_WORDS words of VALUE_ELEMENTS numbers.
#if defined(KEY_F16) || defined(KEY_BF16)
#define KEY_PARTS 2
#else
#define KEY_PARTS 1
#endif
#define KEY_UNITS (KEY_SIZE / (4 * KEY_PARTS))

struct KeyUnit { vec4 part[KEY_PARTS]; };

KeyUnit unpack_key(uvec4 words) {
  KeyUnit unit;
#ifdef KEY_F16
  unit.part[0] = vec4(unpackHalf2x16(words.x), unpackHalf2x16(words.y));
  unit.part[1] = vec4(unpackHalf2x16(words.z), unpackHalf2x16(words.w));
#elif defined(KEY_BF16)
  unit.part[0] = uintBitsToFloat(uvec4(words.x << 16, words.x & 0xffff0000u, words.y << 16, words.y & 0xffff0000u));
  unit.part[1] = uintBitsToFloat(uvec4(words.z << 16, words.z & 0xffff0000u, words.w << 16, words.w & 0xffff0000u));
#else
  unit.part[0] = uintBitsToFloat(words);
#endif
  return unit;
}

#if defined(VALUE_F16) || defined(VALUE_BF16)
#define VALUE_ELEMENTS 2
#define VALUE_WORD vec2
#define LOAD_VALUES(buffer, i) vec2(buffer.v[i], buffer.v[(i) + 1])
#define STORE_VALUES(buffer, i, pair) buffer.v[i] = (pair).x; buffer.v[(i) + 1] = (pair).y
#else
#define VALUE_ELEMENTS 1
#define VALUE_WORD float
#define LOAD_VALUES(buffer, i) buffer.v[i]
#define STORE_VALUES(buffer, i, value) buffer.v[i] = value
#endif
#define VALUE_WORDS (VALUE_SIZE / VALUE_ELEMENTS)

VALUE_WORD unpack_value(uint word) {
#if defined(VALUE_F16)
  return unpackHalf2x16(word);
#elif defined(VALUE_BF16)
  return uintBitsToFloat(uvec2(word << 16, word & 0xffff0000u));
#else
  return uintBitsToFloat(word);
#endif
}
