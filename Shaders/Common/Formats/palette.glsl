// Indices of CODE_BITS bits in a string for each row, one for each VECTOR (1 or 2) neighbouring elements, then tables of
// 2^CODE_BITS entries of VECTOR numbers: one for each TABLE_ROWS rows.
#define WEIGHT_STEP (32 * VECTOR)
#define WEIGHT_UNIT 2
#define WEIGHT_PERIOD 0
#define WEIGHT_PIECES 1
#define WEIGHT_WORDS CODE_BITS
const uint weight_piece_bytes[WEIGHT_PIECES] = uint[](4 * CODE_BITS);
const bool weight_piece_aligned[WEIGHT_PIECES] = bool[](true);

uint weight_row_start(uint piece, uint row) { return row * (WEIGHT_COLUMNS / WEIGHT_STEP * CODE_BITS * 2); }
uint weight_step_start(uint piece, uint step) { return step * CODE_BITS * 2; }

#define WEIGHT_LEVELS (1 << CODE_BITS)
#define WEIGHT_LEVEL_PARTS VECTOR
float weight_level(uint code, uint part) {
  const uint entry = (weight_row / TABLE_ROWS << CODE_BITS) + code;
  const uint tables = section_after(weight_row_start(0, WEIGHT_ROWS));
  return number_at(tables + (entry * VECTOR + part) * NUMBER_HALVES);
}
float weight_code(uint step, uint e) { return weight_chosen(string_code(e / VECTOR), e % VECTOR); }
