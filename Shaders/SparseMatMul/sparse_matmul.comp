// y[j, i] += Σ_l s[i, l] · x[j, l] over the stored elements of s.
//
// LAYOUT_CSR: those of row i are numbers starts[i] … starts[i + 1] of `values`, each with its column.
// LAYOUT_ROWS: row r of `values`, in any format, is row indices[r] of s; no index comes twice.
// Indices outside of the matrix or of `values` stand for nothing.
//
// One workgroup per row (x groups) and column of x (y groups); threads stride along the row's elements.
#version 460
#extension GL_EXT_control_flow_attributes : require
#include "Common/buffers.glsl"
BUFFER(0, readonly, uint, Values, values)
#ifdef LAYOUT_CSR
BUFFER(1, readonly, uint, Starts, starts)
BUFFER(2, readonly, uint, Columns, columns)
BUFFER(3, readonly, float, Input, x)
BUFFER(4, readwrite, float, Output, y)
CONSTANTS(ADDRESS(Values, values) ADDRESS(Starts, starts) ADDRESS(Columns, columns) ADDRESS(Input, x) ADDRESS(Output, y)
          uint m; uint k; uint count;)
#define WEIGHT_ROWS 1
#define WEIGHT_COLUMNS count
#else
BUFFER(1, readonly, uint, Indices, indices)
BUFFER(2, readonly, float, Input, x)
BUFFER(3, readwrite, float, Output, y)
CONSTANTS(ADDRESS(Values, values) ADDRESS(Indices, indices) ADDRESS(Input, x) ADDRESS(Output, y)
          uint m; uint k; uint count;)
#define WEIGHT_ROWS count
#define WEIGHT_COLUMNS k
#endif
layout(local_size_x_id = 0) in;
#include "Common/reduce.glsl"

#define WEIGHT_LOAD(i) values.v[i]
#include "Common/weights.glsl"

void main() {
  const uint group = gl_WorkGroupID.x, j = gl_WorkGroupID.y;
  float sum = 0.0;
#ifdef LAYOUT_CSR
  const uint row = group;
  const uint end = min(starts.v[row + 1], count);
  const bool is_empty = starts.v[row] >= end;
  for (uint p = starts.v[row] + gl_LocalInvocationID.x; p < end; p += gl_WorkGroupSize.x) {
    const uint column = columns.v[p];
    if (column < k) sum = fma(weight_at(0, p), x.v[j * k + column], sum);
  }
#else
  const uint row = indices.v[group];
  const bool is_empty = row >= m;
  if (!is_empty) {
    for (uint l = gl_LocalInvocationID.x; l < k; l += gl_WorkGroupSize.x) sum = fma(weight_at(group, l), x.v[j * k + l], sum);
  }
#endif
  sum = reduce_add(sum);
  if (gl_LocalInvocationID.x == 0 && !is_empty) y.v[j * m + row] += sum;
}
