// Puts the splits of attention rows together: with maximum mᵢ, denominator lᵢ and sum aᵢ of split i,
// y = Σᵢ exp(mᵢ - m)·aᵢ / Σᵢ exp(mᵢ - m)·lᵢ, m = maxᵢ mᵢ: exact, because softmax over disjoint sets of keys merges so.
//
// One thread per element of y: x along the elements of a row, y the row (t, h). Only splits that begin before the row's
// last visible key are read; nobody wrote the others. A row without a visible key is zeros.
#version 460
#include "Common/buffers.glsl"
#include "Attention/attention.glsl"
BUFFER(0, readonly, float, Partials, partials)
BUFFER(1, readonly, int, Positions, positions)
BUFFER(2, writeonly, float, Output, y)
CONSTANTS(ADDRESS(Partials, partials) ADDRESS(Positions, positions) ADDRESS(Output, y) uint heads; uint keys; uint splits;)
layout(local_size_x_id = 0) in;

void main() {
  const uint d = gl_GlobalInvocationID.x;
  if (d >= HEAD_SIZE) return;
  const uint row = gl_WorkGroupID.y;
  const uint visible = visible_keys(positions.v[row / heads], keys);
  const uint live = (visible + SPLIT - 1) / SPLIT;
  const uint stride = HEAD_SIZE + 2;
  const uint first = row * splits * stride;
  float largest = LOWEST;
  for (uint i = 0; i < live; i++) largest = max(largest, partials.v[first + i * stride]);
  float total = 0.0;
  float sum = 0.0;
  for (uint i = 0; i < live; i++) {
    const uint split = first + i * stride;
    const float weight = rescale(partials.v[split], largest);
    total = fma(weight, partials.v[split + 1], total);
    sum = fma(weight, partials.v[split + 2 + d], sum);
  }
  y.v[row * HEAD_SIZE + d] = live > 0 ? sum * (1.0 / total) : 0.0;
}
