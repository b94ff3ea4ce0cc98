// The heads that a dispatch computes, and the lists of tiles that it works through.
//
// Of the key-value heads of a layer a dispatch computes a part, from `first_head` on. The caches hold these alone, and so does
// scratch memory; all else is laid out for the whole layer. `set` counts the key-value heads of the layer through all sequences,
// `part_set` those of the part.
//
// The lists of tiles, see AttentionTiles: of how many tiles the rows and the cells of a key-value head are, and the bit of an
// entry that says that nothing in it is masked. The including shader has the constants tokens, capacity and first_head.
#define FULL_TILE 0x40000000
#define ROW_TILES ((tokens * GROUP + ROW_TILE - 1) / ROW_TILE)
#define KEY_TILES ((capacity + KEY_TILE - 1) / KEY_TILE)
#define KV_HEADS (HEADS / GROUP)

// The set of the key-value head that is number `head` of the part.
uint set_of(uint sequence, uint head) { return sequence * KV_HEADS + first_head + head; }
