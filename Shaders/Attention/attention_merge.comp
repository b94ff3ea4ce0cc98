// Puts the splits of attention rows together: with maximum mᵢ, denominator lᵢ and sums aᵢ of split i,
// y = Σᵢ exp(mᵢ - m)·Σ aᵢ / Σᵢ exp(mᵢ - m)·lᵢ, m = maxᵢ mᵢ: exact, because softmax over disjoint sets of keys merges so. A sink
// is one more score, without a value.
//
// One thread per element of y: x along the elements of a row, y rows of a key-value head, z key-value heads of the part in all
// sequences. Only splits that have a listed tile are read; nobody wrote the others. A row that sees nothing is zeros; a NaN is not
// taken for one.
#version 460
#include "Common/buffers.glsl"
BUFFER(0, readonly, float, Partials, partials)
BUFFER(1, readonly, float, Sums, sums)
BUFFER(2, readonly, int, Counts, counts)
BUFFER(3, readonly, float, Sinks, sinks)
BUFFER(4, writeonly, float, Output, y)
BUFFER(5, writeonly, float, LogSumExp, log_sum_exp)
CONSTANTS(ADDRESS(Partials, partials) ADDRESS(Sums, sums) ADDRESS(Counts, counts) ADDRESS(Sinks, sinks) ADDRESS(Output, y)
          ADDRESS(LogSumExp, log_sum_exp) uint tokens; uint first_head; uint part_heads; uint splits; uint parts;)
layout(local_size_x_id = 0) in;

#include "Attention/tiles.glsl"
#include "Attention/running_maximum.glsl"

void main() {
  const uint d = gl_GlobalInvocationID.x;
  const uint row = gl_WorkGroupID.y, part_set = gl_WorkGroupID.z;
  if (d >= VALUE_SIZE) return;
  const uint set = set_of(part_set / part_heads, part_set % part_heads);
  const uint rows = tokens * GROUP, head = set % KV_HEADS * GROUP + row % GROUP;
  const uint index = (set / KV_HEADS * tokens + row / GROUP) * HEADS + head;
  const uint chunks = (rows + ROWS - 1) / ROWS;
  const uint live = (uint(counts.v[set * ROW_TILES + row / ROW_TILE]) + SPLIT_TILES - 1) / SPLIT_TILES;
  const uint first = (part_set * chunks + row / ROWS) * splits;
  float largest = LOWEST;
  float total = 0.0;
  float sum = 0.0;
  for (uint i = 0; i < live; i++) largest = max(largest, sums.v[((first + i) * ROWS + row % ROWS) * 2]);
#ifdef HAS_SINKS
  largest = max(largest, sinks.v[head]);
  total = rescale(sinks.v[head], largest);
#endif
  for (uint i = 0; i < live; i++) {
    const uint place = ((first + i) * ROWS + row % ROWS) * 2;
    const float weight = rescale(sums.v[place], largest);
    total = fma(weight, sums.v[place + 1], total);
    for (uint part = 0; part < parts; part++) {
      sum = fma(weight, partials.v[(((first + i) * parts + part) * ROWS + row % ROWS) * VALUE_SIZE + d], sum);
    }
  }
  y.v[index * VALUE_SIZE + d] = total == 0.0 ? 0.0 : sum * (1.0 / total);
#ifdef LOG_SUM_EXP
  if (d == 0) log_sum_exp.v[index] = total == 0.0 ? uintBitsToFloat(0xff800000u) : largest + log(total);
#endif
}
