// Row (s, h - first_head, cells[s, t, h]) of the cache = source[s, t, h, :] in the cache's format, for the keys or the values, and
// the part_heads heads h from first_head on; with KEYS also key_positions[s, h, cells[s, t, h]] = positions[s, t]; with BOTH, which
// KEYS goes with, for the keys and the values, which have one size and one format. Cells outside the cache are not written. The
// tokens of a sequence must have different cells in a head.
//
// One thread per unit of UNIT elements: two plain numbers, which are one or two words, or the elements under one scale, at least
// 32. x groups along the units of these heads of a token, of specialization constant 0 threads; y groups along the tokens of all
// sequences; with BOTH two z groups, for keys and values. Plain numbers travel as bits: nothing is flushed or rounded but by whole numbers.
#version 460
#extension GL_EXT_control_flow_attributes : require
#include "Common/buffers.glsl"
BUFFER(0, readonly, uint, Source, source)
BUFFER(1, readonly, uint, Cells, cells)
BUFFER(2, readwrite, uint, Cache, cache)
#ifdef KEYS
BUFFER(3, readonly, uint, Positions, positions)
BUFFER(4, writeonly, uint, KeyPositions, key_positions)
#define POSITION_ADDRESSES ADDRESS(Positions, positions) ADDRESS(KeyPositions, key_positions)
#else
#define POSITION_ADDRESSES
#endif
#ifdef BOTH
BUFFER(5, readonly, uint, Values, values)
BUFFER(6, readwrite, uint, ValueCache, value_cache)
#define VALUE_ADDRESSES ADDRESS(Values, values) ADDRESS(ValueCache, value_cache)
#else
#define VALUE_ADDRESSES
#endif
CONSTANTS(ADDRESS(Source, source) ADDRESS(Cells, cells) ADDRESS(Cache, cache) POSITION_ADDRESSES VALUE_ADDRESSES
          uint tokens; uint kv_heads; uint first_head; uint part_heads; uint size; uint capacity; uint rows;)
layout(local_size_x_id = 0) in;
#include "Common/float16.glsl"
#include "KVAppend/bfloat16.glsl"

// Where the unit begins in the source.
uint first;

// The bits of element i of the unit.
uint element_bits(uint i) {
#ifdef BOTH
  if (gl_WorkGroupID.z == 1) return values.v[first + i];
#endif
  return source.v[first + i];
}

// Sets word i of the cache, which is the thread's alone.
void set_word(uint i, uint word) {
#ifdef BOTH
  if (gl_WorkGroupID.z == 1) {
    value_cache.v[i] = word;
    return;
  }
#endif
  cache.v[i] = word;
}

// Sets half i of the cache, whose word it may share with another thread's half.
void set_half(uint i, uint half_bits) {
  const uint place = i % 2 * 16, others = 0xffff0000u >> place, bits = half_bits << place;
#ifdef BOTH
  if (gl_WorkGroupID.z == 1) {
    atomicAnd(value_cache.v[i / 2], others);
    atomicOr(value_cache.v[i / 2], bits);
    return;
  }
#endif
  atomicAnd(cache.v[i / 2], others);
  atomicOr(cache.v[i / 2], bits);
}

#if defined(WEIGHT_F32)
void append(uint row, uint unit) {
  const uint target = row * size + unit * UNIT;
  [[unroll]] for (uint i = 0; i < UNIT; i++) set_word(target + i, element_bits(i));
}
#elif defined(WEIGHT_F16)
void append(uint row, uint unit) {
  set_word(row * (size / 2) + unit, float16_bits(element_bits(0)) | float16_bits(element_bits(1)) << 16);
}
#elif defined(WEIGHT_BF16)
void append(uint row, uint unit) {
  set_word(row * (size / 2) + unit, bfloat16_bits(element_bits(0)) | bfloat16_bits(element_bits(1)) << 16);
}
#else
#include "Common/number.glsl"
#include "KVAppend/encoding.glsl"
#if defined(CODE_BITS)
#include "KVAppend/code_strings.glsl"
#else
#include "KVAppend/blocks.glsl"
#endif
#endif

void main() {
  const uint units = size / UNIT;
  const uint part_head = gl_GlobalInvocationID.x / units, unit = gl_GlobalInvocationID.x % units;
  if (part_head >= part_heads) return;
  const uint head = first_head + part_head;
  const uint token = gl_WorkGroupID.y, sequence = token / tokens;
  const uint cell = cells.v[token * kv_heads + head];
  // A negative cell is a huge unsigned number, outside the cache as well.
  if (cell >= capacity) return;
  first = (token * kv_heads + head) * size + unit * UNIT;
  append((sequence * part_heads + part_head) * capacity + cell, unit);
#ifdef KEYS
  if (unit == 0 && gl_WorkGroupID.z == 0) key_positions.v[(sequence * kv_heads + head) * capacity + cell] = positions.v[token];
#endif
}
