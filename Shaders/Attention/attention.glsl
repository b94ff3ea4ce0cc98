// What the attention kernels share: what a row and a cell are, the mask, the scores, and how plain caches are read.
//
// A tile of rows is ROW_TILE rows of one key-value head, row = token · group + head within the group; a tile of keys is KEY_TILE
// cells. `list` holds the tiles of keys that each tile of rows looks at, see AttentionTiles. The including shader binds
// positions, key_positions, lengths, totals, mask and score_words under these names, and has the constants tokens, capacity and
// first_head. HEADS are the query heads of the layer, GROUP those that share a key-value head. Bindings that an operator has no use
// for are bound to something, and never read.
#extension GL_EXT_control_flow_attributes : require

#define MASK_WORD(i) mask.v[i]
#include "Common/mask.glsl"

#define SCORE_WORD(i) score_words.v[i]
#include "Common/score.glsl"

#include "Attention/tiles.glsl"
#include "Attention/running_maximum.glsl"

float add_dot(vec4 a, vec4 b, float sum) {
  return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
}

// A row of queries: one head of one token.
struct Row {
  // In the order of q and y, all sequences together.
  uint index;
  uint head;
  // -1 for padding, which sees nothing.
  int position;
};

// Row `index` of key-value head `set`, counted through all sequences.
Row row_at(uint set, uint index) {
  const uint token = set / KV_HEADS * tokens + index / GROUP;
  Row row;
  row.head = set % KV_HEADS * GROUP + index % GROUP;
  row.index = token * HEADS + row.head;
  row.position = positions.v[token];
  return row;
}

// The position of a cell of key-value head `set`, -1 if it is empty.
int cell_position(uint set, uint cell) {
  return cell < capacity && int(cell) < lengths.v[set] ? key_positions.v[set * capacity + cell] : -1;
}

// Whether the row sees a key at that position.
bool row_sees(Row row, int key, int length) {
  return row.position >= 0 && key >= 0 && mask_live(row.head, row.position, key, length);
}
