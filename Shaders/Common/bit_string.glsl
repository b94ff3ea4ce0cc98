// Codes of CODE_BITS bits in a string, least significant bit first, in words 0… of a step: 32 codes are CODE_BITS words.
const uint CODE_MASK = (1u << CODE_BITS) - 1;

// Code e.
uint string_code(uint e) {
  const uint word = e * CODE_BITS / 32, place = e * CODE_BITS % 32;
  const uint low = weight_word(word) >> place;
  return (place + CODE_BITS > 32 ? low | weight_word(word + 1) << (32 - place) : low) & CODE_MASK;
}

// Neighbouring codes that are decoded from one word: as many as begin in its first half. So few places occur, whose constants stay
// in registers.
#define STRING_RUN (15 / CODE_BITS + 1)

// Code e less `center`, exactly.
float string_centered(uint e, float center) {
  // Runs begin anew with every 32 codes, which are whole words.
  const uint first = e % 32 / STRING_RUN * STRING_RUN, end = min(first + STRING_RUN, 32);
  const uint word = e / 32 * CODE_BITS + first * CODE_BITS / 32, place = first * CODE_BITS % 32;
  uint run = weight_word(word) >> place;
  if (place + (end - first) * CODE_BITS > 32) run |= weight_word(word + 1) << (32 - place);
  return weight_centered(run, (e % 32 - first) * CODE_BITS, CODE_MASK, center);
}
