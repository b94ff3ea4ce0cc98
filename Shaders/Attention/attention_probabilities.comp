// Probabilities of cells: column_sums[s, h, j] = Σ_t p[t, j] over the tokens of the sequence, and last_row[s, h, j] = p of its last
// token, p = exp(score - log_sum_exp) for the cells that the row sees, else 0.
//
// One thread per (cell, query head): x along cells, y heads of the part, z sequences. A thread computes the scores of its key again,
// token by token, in one order, and reads the key as it lies.
// Preconditions: log_sum_exp has been written; the workgroup is specialization constant 0 threads.
#version 460
#include "Common/buffers.glsl"
BUFFER_ALIGNED(0, readonly, vec4, Queries, q, 16)
BUFFER_ALIGNED(1, readonly, uvec4, Keys, k, 16)
BUFFER(2, readonly, int, Positions, positions)
BUFFER(3, readonly, int, KeyPositions, key_positions)
BUFFER(4, readonly, int, Lengths, lengths)
BUFFER(5, readonly, int, Totals, totals)
BUFFER(6, readonly, uint, MaskWords, mask)
BUFFER(7, readonly, uint, ScoreWords, score_words)
BUFFER(8, readonly, float, LogSumExp, log_sum_exp)
BUFFER(9, writeonly, float, ColumnSums, column_sums)
BUFFER(10, writeonly, float, LastRow, last_row)
CONSTANTS(ADDRESS(Queries, q) ADDRESS(Keys, k) ADDRESS(Positions, positions) ADDRESS(KeyPositions, key_positions)
          ADDRESS(Lengths, lengths) ADDRESS(Totals, totals) ADDRESS(MaskWords, mask) ADDRESS(ScoreWords, score_words)
          ADDRESS(LogSumExp, log_sum_exp) ADDRESS(ColumnSums, column_sums) ADDRESS(LastRow, last_row)
          uint tokens; uint capacity; uint first_head; uint part_heads; float scale;)
layout(local_size_x_id = 0) in;
#include "Attention/attention.glsl"
#include "Attention/plain_cache.glsl"

void main() {
  const uint cell = gl_GlobalInvocationID.x, part_head = gl_WorkGroupID.y, sequence = gl_WorkGroupID.z;
  if (cell >= capacity) return;
  const uint set = set_of(sequence, part_head / GROUP), head = first_head * GROUP + part_head;
  const uint cells = (sequence * part_heads + part_head / GROUP) * capacity;
  const int key = cell_position(set, cell), length = totals.v[sequence];
  float total = 0.0, last = 0.0;
  if (key >= 0) {
#ifdef COLUMN_SUMS
    const uint first = 0;
#else
    const uint first = tokens - 1;
#endif
    for (uint t = first; t < tokens; t++) {
      const Row row = row_at(set, t * GROUP + head % GROUP);
      float dot = 0.0;
      for (uint u = 0; u < KEY_UNITS; u++) {
        const KeyUnit unit = unpack_key(k.v[(cells + cell) * KEY_UNITS + u]);
        [[unroll]] for (int part = 0; part < KEY_PARTS; part++) {
          dot = add_dot(q.v[row.index * (KEY_SIZE / 4) + u * KEY_PARTS + part], unit.part[part], dot);
        }
      }
      last = 0.0;
      if (row_sees(row, key, length)) {
        last = exp(score_modified(scale * dot, head, row.position, key) - log_sum_exp.v[row.index]);
      }
      total += last;
    }
  }
  const uint target = (sequence * HEADS + head) * capacity + cell;
#ifdef COLUMN_SUMS
  column_sums.v[target] = total;
#endif
#ifdef LAST_ROW
  last_row.v[target] = last;
#endif
}
