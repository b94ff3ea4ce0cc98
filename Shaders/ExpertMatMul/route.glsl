// What a y group of a shader multiplies: columns that go to one expert. A pair is a token and one of its slots; pair p gives
// column p of y and takes column p of x, or with INPUT_SHARED the column of its token.
//
// - EXPERT_TILES: y group g is tile g, of those that ExpertMatMul/place.comp makes. `routes` holds three words for each of as many
//   tiles as there are y groups: the expert, its first pair in the list and the number of pairs, 0 for nothing to do; then the list.
// - otherwise: y group g is pair g alone; `routes` holds the experts of the pairs.
//
// Where COLUMNS is a macro, the beginnings of so many columns of x are kept, and j must be a constant.
//
// Pairs without a real expert give zeros; in the list they have the highest bit set.

// The first row of the expert's weight, and of its bias.
uint expert_row;
uint column_count;

#ifdef EXPERT_TILES
#define NO_EXPERT 0x80000000u
uint first_entry;
uint entry(uint j) { return routes.v[first_entry + min(j, column_count - 1)]; }
uint pair(uint j) { return entry(j) & ~NO_EXPERT; }
bool is_routed(uint j) { return entry(j) < NO_EXPERT; }

void begin_route() {
  const uint tile = 3 * gl_WorkGroupID.y;
  column_count = routes.v[tile + 2];
  expert_row = routes.v[tile] * m;
  first_entry = 3 * gl_NumWorkGroups.y + routes.v[tile + 1];
}
#else
bool only_is_routed;
uint pair(uint j) { return gl_WorkGroupID.y; }
bool is_routed(uint j) { return only_is_routed; }

void begin_route() {
  const uint expert = routes.v[pair(0)];
  only_is_routed = expert < expert_count;
  expert_row = only_is_routed ? expert * m : 0;
  column_count = 1;
}
#endif

#ifdef INPUT_SHARED
uint found_column_x(uint j) { return pair(j) / slots * k; }
#else
uint found_column_x(uint j) { return pair(j) * k; }
#endif
#ifdef COLUMNS
uint kept_columns[COLUMNS];
uint column_x(uint j) { return kept_columns[j]; }
#else
uint column_x(uint j) { return found_column_x(j); }
#endif
uint column_y(uint j) { return pair(j) * m; }

void column_store(uint j, uint row, float value) {
  if (j < column_count) y.v[column_y(j) + row] = is_routed(j) ? value : 0.0;
}

// Whether there is anything to do.
bool route() {
  begin_route();
  if (column_count == 0) return false;
#ifdef COLUMNS
  [[unroll]] for (uint j = 0; j < COLUMNS; j++) kept_columns[j] = found_column_x(j);
#endif
  return true;
}
