// Codes of CODE_BITS bits in a string, least significant bit first, in words 0… of a step: 32 codes are CODE_BITS words.
const uint CODE_MASK = (1u << CODE_BITS) - 1;

// Code e.
uint string_code(uint e) {
  const uint word = e * CODE_BITS / 32, place = e * CODE_BITS % 32;
  const uint low = weight_word(word) >> place;
  return (place + CODE_BITS > 32 ? low | weight_word(word + 1) << (32 - place) : low) & CODE_MASK;
}

// Code e less `center`, exactly.
float string_centered(uint e, float center) {
  const uint word = e * CODE_BITS / 32, place = e * CODE_BITS % 32;
  const uint low = weight_word(word);
  // A code that goes on in the next word begins in the second half of its own.
  if (place + CODE_BITS > 32) {
    return weight_centered(weight_straddling(low, weight_word(word + 1)), place - 16, CODE_MASK, center);
  }
  return weight_centered(low, place, CODE_MASK, center);
}
