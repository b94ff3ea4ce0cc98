// Strings of codes of CODE_BITS bits, and scales and offsets in sections of their own; see Common/Formats/group.glsl and
// normal_float.glsl. 32 codes are whole words, but a word may hold two numbers, of other groups and rows.

#ifdef NUMBER_F32
#define NUMBER_HALVES 2
#else
#define NUMBER_HALVES 1
#endif

// Where the next section begins, in halves: at a multiple of 16 bytes.
uint section_after(uint halves) { return (halves + 7) & ~7u; }

// Writes number `index` of the section at half `section`.
void write_number(uint section, uint index, uint bits) {
#ifdef NUMBER_F32
  set_word(section / 2 + index, bits);
#else
  set_half(section + index, bits);
#endif
}

void append(uint row, uint unit) {
  const uint row_words = size / 32 * CODE_BITS, row_numbers = size / SCALE_LENGTH;
  const uint scales = section_after(rows * row_words * 2);
  uint target = row * row_words + unit * (UNIT / 32 * CODE_BITS);
  uint word = 0, filled = 0;
  for (uint start = 0; start < UNIT; start += SCALE_LENGTH) {
    find_scale(start);
    const uint index = row * row_numbers + (unit * UNIT + start) / SCALE_LENGTH;
    write_number(scales, index, scale_bits);
#ifdef SCALE_RANGE
    write_number(section_after(scales + rows * row_numbers * NUMBER_HALVES), index, offset_bits);
#endif
    for (uint e = start; e < start + SCALE_LENGTH; e++) {
      const uint code = code_of(e);
      word |= code << filled;
      filled += CODE_BITS;
      if (filled >= 32) {
        set_word(target, word);
        target++;
        filled -= 32;
        // What did not fit; nothing where the code ends with the word.
        word = code >> (CODE_BITS - filled);
      }
    }
  }
}
