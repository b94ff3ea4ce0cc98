// The lists of tiles, see AttentionTiles: of how many tiles the rows and the cells of a key-value head are, and the bit of an
// entry that says that nothing in it is masked. The including shader has the constants tokens and capacity.
#define FULL_TILE 0x40000000
#define ROW_TILES ((tokens * GROUP + ROW_TILE - 1) / ROW_TILE)
#define KEY_TILES ((capacity + KEY_TILE - 1) / KEY_TILE)
