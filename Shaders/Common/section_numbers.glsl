// Numbers of a tensor that lies in sections, at any half of it.
#ifdef NUMBER_F32
#define NUMBER_HALVES 2
#define NUMBER_ALIGNED true
#else
#define NUMBER_HALVES 1
#define NUMBER_ALIGNED false
#endif

// The number that begins at half `at`.
float number_at(uint at) { return number_from(WEIGHT_LOAD(at / 2) >> (at % 2 * 16)); }

// Where the next section begins, in halves: at a multiple of 16 bytes.
uint section_after(uint halves) { return (halves + 7) & ~7u; }
