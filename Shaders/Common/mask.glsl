// Attention masks: what one key is to one query, and what is known of a whole tile.
//
// A generated text (PumiceKernels/MaskProgram.swift) puts the functions below together to what one mask is, and takes all
// numbers and lists from a buffer of words, which the including shader makes known as MASK_WORD(i), a uint. The shader then
// calls, with positions of tokens that are not negative and less than 2^30:
//
//   bool mask_live(uint head, int query, int key, int length)     whether the query sees the key
//   uint mask_tile(uint head, MaskBox box, int length)            what is known of queries × keys within bounds
//
// `length` is that of the sequence. Where the text defines MASK_DEPENDS_ON_HEAD, heads differ.
//
// Bounds of a tile are exact: some query lies at q0 and some at q1, and so with the keys; between them there may be gaps.
// What is known of a tile is a set of flags: MASK_SOME_LIVE and MASK_SOME_DEAD, where such a pair is known to exist, and
// MASK_DECIDED if nothing is left to know. A tile that is not decided must be looked at key by key.
struct MaskBox {
  int q0;
  int q1;
  int k0;
  int k1;
};

#define MASK_SOME_LIVE 1u
#define MASK_SOME_DEAD 2u
#define MASK_DECIDED 4u
#define MASK_DEAD 6u
#define MASK_FULL 5u
#define MASK_MIXED 7u

// What a part of a mask says of a box: that all of it is dead, that all of it is live, or nothing.
#define MASK_NONE 1u
#define MASK_ALL 2u

#define MASK_INT(i) int(MASK_WORD(i))

uint mask_not(uint a) { return ((a & MASK_NONE) << 1) | ((a & MASK_ALL) >> 1); }
uint mask_and(uint a, uint b) { return ((a | b) & MASK_NONE) | (a & b & MASK_ALL); }
uint mask_or(uint a, uint b) { return ((a | b) & MASK_ALL) | (a & b & MASK_NONE); }

// least <= x <= most, for x from x0 to x1.
uint mask_between(int least, int most, int x0, int x1) {
  if (least <= x0 && x1 <= most) return MASK_ALL;
  return x1 < least || most < x0 ? MASK_NONE : 0u;
}

// Distances query - key within a box; both are met.
int mask_nearest(MaskBox box) { return box.q0 - box.k1; }
int mask_farthest(MaskBox box) { return box.q1 - box.k0; }

bool mask_causal(int query, int key) { return key <= query; }
uint mask_causal_box(MaskBox box) { return mask_between(0, mask_farthest(box), mask_nearest(box), mask_farthest(box)); }

bool mask_window(int n, int query, int key) { return abs(query - key) < n; }
uint mask_window_box(int n, MaskBox box) { return mask_between(1 - n, n - 1, mask_nearest(box), mask_farthest(box)); }

bool mask_sinks(int n, int key) { return key < n; }
uint mask_sinks_box(int n, MaskBox box) { return mask_between(0, n - 1, box.k0, box.k1); }

bool mask_prefix(int n, int query, int key) { return mask_sinks(n, key) || mask_causal(query, key); }
uint mask_prefix_box(int n, MaskBox box) { return mask_or(mask_sinks_box(n, box), mask_causal_box(box)); }

bool mask_dilated(int window, int stride, int query, int key) {
  const int distance = abs(query - key);
  return distance % stride == 0 && distance / stride < window;
}
uint mask_dilated_box(int window, int stride, MaskBox box) {
  // Where tokens are not apart, neither are those that are seen; else a whole box may only be known dead.
  const uint near = mask_between((1 - window) * stride, (window - 1) * stride, mask_nearest(box), mask_farthest(box));
  return stride == 1 ? near : near & MASK_NONE;
}

// How many of a sorted list of words are at most x.
uint mask_count(uint list, uint count, int x) {
  uint n = 0;
  for (int bit = findMSB(count); bit >= 0; bit--) {
    const uint next = n + (1u << bit);
    if (next <= count && MASK_INT(list + next - 1) <= x) n = next;
  }
  return n;
}

// x is in a sorted list.
bool mask_listed(uint list, uint count, int x) {
  const uint n = mask_count(list, count, x);
  return n > 0 && MASK_INT(list + n - 1) == x;
}
uint mask_listed_box(uint list, uint count, int x0, int x1) {
  const uint n = mask_count(list, count, x1) - mask_count(list, count, x0 - 1);
  if (n == 0) return MASK_NONE;
  return n == uint(x1 - x0) + 1 ? MASK_ALL : 0u;
}

bool mask_blocks(int size, uint block_rows, uint rows, uint columns, int query, int key) {
  const uint row = uint(query / size);
  if (row >= block_rows) return false;
  const uint first = MASK_WORD(rows + row);
  return mask_listed(columns + first, MASK_WORD(rows + row + 1) - first, key / size);
}
// Boxes over more blocks of queries than this are not looked at.
#define MASK_BLOCK_ROWS 4
uint mask_blocks_box(int size, uint block_rows, uint rows, uint columns, MaskBox box) {
  const uint row0 = uint(box.q0 / size);
  const uint row1 = uint(box.q1 / size);
  if (row1 - row0 >= MASK_BLOCK_ROWS) return 0u;
  uint known = MASK_NONE | MASK_ALL;
  for (uint row = row0; row <= row1; row++) {
    if (row >= block_rows) {
      known &= MASK_NONE;
    } else {
      const uint first = MASK_WORD(rows + row);
      known &= mask_listed_box(columns + first, MASK_WORD(rows + row + 1) - first, box.k0 / size, box.k1 / size);
    }
  }
  return known;
}

// Groups of positions, numbered in their order: the query's is the key's.
uint mask_same_box(int query0, int query1, int key0, int key1) {
  if (query1 < key0 || key1 < query0) return MASK_NONE;
  return query0 == query1 && key0 == key1 ? MASK_ALL : 0u;
}

bool mask_documents(uint starts, uint count, int query, int key) {
  return mask_count(starts, count, query) == mask_count(starts, count, key);
}
uint mask_documents_box(uint starts, uint count, MaskBox box) {
  return mask_same_box(
      int(mask_count(starts, count, box.q0)), int(mask_count(starts, count, box.q1)),
      int(mask_count(starts, count, box.k0)), int(mask_count(starts, count, box.k1)));
}

// Nodes are numbered depth first: two words for each, its number, and the first number after its descendants.
bool mask_tree(int start, uint nodes, uint count, int query, int key) {
  if (key < start) return true;
  const uint node = uint(key - start);
  if (query < start || uint(query - start) >= count || node >= count) return false;
  const uint number = MASK_WORD(nodes + 2 * uint(query - start));
  return MASK_WORD(nodes + 2 * node) <= number && number < MASK_WORD(nodes + 2 * node + 1);
}
uint mask_tree_box(int start, uint count, MaskBox box) {
  if (box.k1 < start) return MASK_ALL;
  // Children come after their parents.
  return box.k0 >= start && (box.q1 < box.k0 || box.k0 >= start + int(count)) ? MASK_NONE : 0u;
}

bool mask_shifted(int size, uint first_shifted, uint head, int query, int key) {
  const int shift = head < first_shifted ? 0 : size / 2;
  return (query + shift) / size == (key + shift) / size;
}
uint mask_shifted_box(int size, uint first_shifted, uint head, MaskBox box) {
  const int shift = head < first_shifted ? 0 : size / 2;
  return mask_same_box(
      (box.q0 + shift) / size, (box.q1 + shift) / size, (box.k0 + shift) / size, (box.k1 + shift) / size);
}

// Two words for each head: α in blocks, and β in units of 2^-16.
int mask_reach(int block, uint spans, uint head, int length) {
  uint high, low;
  umulExtended(MASK_WORD(spans + 2 * head + 1), uint(length), high, low);
  return max(1, MASK_INT(spans + 2 * head) + int((high << 16) | (low >> 16)) / block);
}
bool mask_span(int block, uint spans, uint head, int query, int key, int length) {
  return abs(query / block - key / block) < mask_reach(block, spans, head, length);
}
uint mask_span_box(int block, uint spans, uint head, MaskBox box, int length) {
  const int reach = mask_reach(block, spans, head, length);
  return mask_between(1 - reach, reach - 1, box.q0 / block - box.k1 / block, box.q1 / block - box.k0 / block);
}

bool mask_live(uint head, int query, int key, int length);
// What the parts of the mask together say of a box: MASK_NONE, MASK_ALL or nothing.
uint mask_box(uint head, MaskBox box, int length);

uint mask_tile(uint head, MaskBox box, int length) {
  const uint known = mask_box(head, box, length);
  if ((known & MASK_NONE) != 0) return MASK_DEAD;
  if ((known & MASK_ALL) != 0) return MASK_FULL;
  // The corners of a box are pairs of a query and a key that are there.
  uint found = 0;
  for (uint corner = 0; corner < 4; corner++) {
    const int query = (corner & 1u) == 0 ? box.q0 : box.q1;
    const int key = (corner & 2u) == 0 ? box.k0 : box.k1;
    found |= mask_live(head, query, key, length) ? MASK_SOME_LIVE : MASK_SOME_DEAD;
  }
  return found == (MASK_SOME_LIVE | MASK_SOME_DEAD) ? MASK_MIXED : found;
}

#include "Generated/mask.glsl"
