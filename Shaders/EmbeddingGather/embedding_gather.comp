// y[t, i] = table[tokens[t], i], decoded to f32; a token outside the table gives zeros.
// One thread per element of y; workgroups of specialization constant 0 threads along a row, one row per y group.
#version 460
#extension GL_EXT_control_flow_attributes : require
#include "Common/buffers.glsl"
BUFFER(0, readonly, uint, Table, table)
BUFFER(1, readonly, uint, Tokens, tokens)
BUFFER(2, writeonly, float, Output, y)
#define LATTICE_BINDING 3
#include "Common/lattice_buffer.glsl"
CONSTANTS(ADDRESS(Table, table) ADDRESS(Tokens, tokens) ADDRESS(Output, y) LATTICE_ADDRESS uint vocabulary; uint width;)
layout(local_size_x_id = 0) in;

#define WEIGHT_LOAD(i) table.v[i]
#define WEIGHT_ROWS vocabulary
#define WEIGHT_COLUMNS width
#include "Common/weights.glsl"

void main() {
  const uint column = gl_GlobalInvocationID.x;
  const uint t = gl_WorkGroupID.y;
  if (column >= width) return;
  // A negative token is a huge unsigned number, outside the table as well.
  const uint token = tokens.v[t];
  y.v[t * width + column] = token < vocabulary ? weight_at(token, column) : 0.0;
}
