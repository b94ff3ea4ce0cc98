// Rotates pair i of every head of x by positions[t] · frequencies[i] and multiplies it by `magnitude`, in place; a negative
// position is left as it is. The rotated elements of a head begin at `offset`.
// One thread per pair; x groups along the pairs of all heads of a token, y groups along tokens.
//
// Angles are fractions of a turn in 64-bit fixed point, so that position · frequency modulo one turn is exact; sine and
// cosine are our own polynomials, because Vulkan promises only 2^-11 for its own.
#version 460
#include "Common/buffers.glsl"
BUFFER(0, restrict, float, Heads, x)
BUFFER(1, readonly, int, Positions, positions)
BUFFER(2, readonly, uint, Frequencies, frequencies)
CONSTANTS(ADDRESS(Heads, x) ADDRESS(Positions, positions) ADDRESS(Frequencies, frequencies)
          uint heads; uint head_size; uint rotary_pairs; uint offset; float magnitude;)
layout(local_size_x_id = 0) in;

// (cosine, sine) of a fraction of a turn in 2^-32 turns.
vec2 cosine_sine(uint turn) {
  const uint quadrant = (turn + 0x20000000u) >> 30;
  const float a = float(int(turn - (quadrant << 30))) * 1.4629180792671596e-9;  // 2π · 2^-32: an angle within ±π/4
  const float s = a * a;
  // Minimax polynomials for ±π/4, wrong by at most 1e-8.
  const float sine = a * (1.0 + s * (-1.6666664668e-1 + s * (8.3327489985e-3 + s * -1.9588008864e-4)));
  const float cosine = 1.0 + s * (-4.9999999969e-1 + s * (4.1666650666e-2 + s * (-1.3887590065e-3 + s * 2.4463886573e-5)));
  if (quadrant == 0) return vec2(cosine, sine);
  if (quadrant == 1) return vec2(-sine, cosine);
  if (quadrant == 2) return vec2(-cosine, -sine);
  return vec2(sine, -cosine);
}

void main() {
  const uint index = gl_GlobalInvocationID.x;
  const uint t = gl_WorkGroupID.y;
  const int position = positions.v[t];
  if (index >= heads * rotary_pairs || position < 0) return;
  const uint head = index / rotary_pairs;
  const uint i = index % rotary_pairs;

  uint carried, low;
  umulExtended(uint(position), frequencies.v[2 * i + 1], carried, low);
  const vec2 rotation = magnitude * cosine_sine(uint(position) * frequencies.v[2 * i] + carried);

  const uint base = (t * heads + head) * head_size + offset;
#ifdef PAIRS_ADJACENT
  const uint first = base + 2 * i, second = first + 1;
#else
  const uint first = base + i, second = first + rotary_pairs;
#endif
  const float a = x.v[first], b = x.v[second];
  x.v[first] = a * rotation.x - b * rotation.y;
  x.v[second] = a * rotation.y + b * rotation.x;
}
