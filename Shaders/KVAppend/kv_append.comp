// key_cache[h, positions[t], :] = keys[t, h, :] and the same for values; a position outside the cache is skipped.
// One thread per pair of elements, so that f16 caches are written in whole words; x groups along the heads of a token, y
// groups along tokens. Floats travel as bits: nothing is flushed or rounded but by float16_bits.
#version 460
#include "Common/buffers.glsl"
BUFFER(0, readonly, uint, Keys, keys)
BUFFER(1, readonly, uint, Values, values)
BUFFER(2, readonly, uint, Positions, positions)
BUFFER(3, writeonly, uint, KeyCache, key_cache)
BUFFER(4, writeonly, uint, ValueCache, value_cache)
CONSTANTS(ADDRESS(Keys, keys) ADDRESS(Values, values) ADDRESS(Positions, positions) ADDRESS(KeyCache, key_cache)
          ADDRESS(ValueCache, value_cache) uint kv_heads; uint head_size; uint capacity;)
layout(local_size_x_id = 0) in;
#include "Common/float16.glsl"

void main() {
  const uint pair = gl_GlobalInvocationID.x;
  const uint t = gl_WorkGroupID.y;
  const uint pairs = head_size / 2;
  const uint cell = positions.v[t];
  if (pair >= kv_heads * pairs || cell >= capacity) return;
  const uint source = t * kv_heads * head_size + 2 * pair;
  const uint target = ((pair / pairs) * capacity + cell) * pairs + pair % pairs;
#ifdef CACHE_F16
  key_cache.v[target] = float16_bits(keys.v[source]) | (float16_bits(keys.v[source + 1]) << 16);
  value_cache.v[target] = float16_bits(values.v[source]) | (float16_bits(values.v[source + 1]) << 16);
#else
  key_cache.v[2 * target] = keys.v[source];
  key_cache.v[2 * target + 1] = keys.v[source + 1];
  value_cache.v[2 * target] = values.v[source];
  value_cache.v[2 * target + 1] = values.v[source + 1];
#endif
}
