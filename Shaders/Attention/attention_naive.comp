// y[s, t, h, d] = Σ_j p_j · v[s, g, j, d] over the cells j that the row sees; g = h / group.
// One thread per row (t, h), x along the heads of the part, y tokens, z sequences, with an online softmax; the row of y is the
// accumulator. Plain and slow, for any device; it looks at every cell and not at the list of tiles.
#version 460
#include "Common/buffers.glsl"
BUFFER(0, readonly, float, Queries, q)
BUFFER(1, readonly, uint, Keys, k)
BUFFER(2, readonly, uint, Values, v)
BUFFER(3, readonly, int, Positions, positions)
BUFFER(4, readonly, int, KeyPositions, key_positions)
BUFFER(5, readonly, int, Lengths, lengths)
BUFFER(6, readonly, int, Totals, totals)
BUFFER(7, readonly, uint, MaskWords, mask)
BUFFER(8, readonly, uint, ScoreWords, score_words)
BUFFER(9, readonly, float, Sinks, sinks)
BUFFER(10, readwrite, float, Output, y)
BUFFER(11, writeonly, float, LogSumExp, log_sum_exp)
CONSTANTS(ADDRESS(Queries, q) ADDRESS(Keys, k) ADDRESS(Values, v) ADDRESS(Positions, positions)
          ADDRESS(KeyPositions, key_positions) ADDRESS(Lengths, lengths) ADDRESS(Totals, totals) ADDRESS(MaskWords, mask)
          ADDRESS(ScoreWords, score_words) ADDRESS(Sinks, sinks) ADDRESS(Output, y) ADDRESS(LogSumExp, log_sum_exp)
          uint tokens; uint capacity; uint first_head; uint part_heads; float scale;)
layout(local_size_x_id = 0) in;
#include "Attention/attention.glsl"
#include "Attention/plain_cache.glsl"

float key_at(uint i) {
#if KEY_PARTS == 2
  const KeyUnit unit = unpack_key(uvec4(k.v[i / 2]));
  return unit.part[0][i % 2];
#else
  return uintBitsToFloat(k.v[i]);
#endif
}

float value_at(uint i) {
#if VALUE_ELEMENTS == 2
  return unpack_value(v.v[i / 2])[i % 2];
#else
  return unpack_value(v.v[i]);
#endif
}

void main() {
  const uint part_head = gl_GlobalInvocationID.x;
  if (part_head >= part_heads * GROUP) return;
  const uint set = set_of(gl_WorkGroupID.z, part_head / GROUP);
  const uint cells = (gl_WorkGroupID.z * part_heads + part_head / GROUP) * capacity;
  const Row row = row_at(set, gl_WorkGroupID.y * GROUP + part_head % GROUP);
  const int length = totals.v[gl_WorkGroupID.z];
  const uint target = row.index * VALUE_SIZE;
  float largest = LOWEST;
  float total = 0.0;
#ifdef HAS_SINKS
  largest = sinks.v[row.head];
  total = 1.0;
#endif
  for (uint d = 0; d < VALUE_SIZE; d++) y.v[target + d] = 0.0;
  for (uint j = 0; j < capacity; j++) {
    const int key = cell_position(set, j);
    if (!row_sees(row, key, length)) continue;
    const uint cell = cells + j;
    float dot = 0.0;
    for (uint d = 0; d < KEY_SIZE; d++) dot = fma(q.v[row.index * KEY_SIZE + d], key_at(cell * KEY_SIZE + d), dot);
    const float score = score_modified(scale * dot, row.head, row.position, key);
    const float raised = max(largest, score);
    const float kept = rescale(largest, raised);
    const float weight = exp(score - raised);
    for (uint d = 0; d < VALUE_SIZE; d++) {
      y.v[target + d] = fma(weight, value_at(cell * VALUE_SIZE + d), y.v[target + d] * kept);
    }
    total = total * kept + weight;
    largest = raised;
  }
  if (total != 0.0) {
    for (uint d = 0; d < VALUE_SIZE; d++) y.v[target + d] /= total;
  }
#ifdef LOG_SUM_EXP
  log_sum_exp.v[row.index] = total == 0.0 ? uintBitsToFloat(0xff800000u) : largest + log(total);
#endif
}
