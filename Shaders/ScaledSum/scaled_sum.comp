// y[r, i] = scale · x[r, i], with ROW_GAIN · row_gain[r], with GAIN · gain[i]; with ADDEND_TENSOR + addend_scale · z[r, i], with
// ADDEND_ROW + addend_scale · z[i]; with SOFT_CAP then limit · tanh(y / limit), with CLAMP y kept within ±limit. With IN_PLACE y is x.
// One thread per element: x groups along rows, y groups one each.
#version 460
#include "Common/buffers.glsl"
#ifdef IN_PLACE
BUFFER(0, restrict, float, Input, x)
#else
BUFFER(0, readonly, float, Input, x)
#endif
#ifdef ROW_GAIN
BUFFER(1, readonly, float, RowGain, row_gain)
#define ROW_GAIN_ADDRESS ADDRESS(RowGain, row_gain)
#define AFTER_ROW_GAIN 2
#else
#define ROW_GAIN_ADDRESS
#define AFTER_ROW_GAIN 1
#endif
#ifdef GAIN
BUFFER(AFTER_ROW_GAIN, readonly, float, Gain, gain)
#define GAIN_ADDRESS ADDRESS(Gain, gain)
#define AFTER_GAIN (AFTER_ROW_GAIN + 1)
#else
#define GAIN_ADDRESS
#define AFTER_GAIN AFTER_ROW_GAIN
#endif
#if defined(ADDEND_TENSOR) || defined(ADDEND_ROW)
BUFFER(AFTER_GAIN, readonly, float, Addend, z)
#define ADDEND_ADDRESS ADDRESS(Addend, z)
#define AFTER_ADDEND (AFTER_GAIN + 1)
#else
#define ADDEND_ADDRESS
#define AFTER_ADDEND AFTER_GAIN
#endif
#ifdef IN_PLACE
#define OUTPUT_ADDRESS
#define OUTPUT x
#else
BUFFER(AFTER_ADDEND, writeonly, float, Output, y)
#define OUTPUT_ADDRESS ADDRESS(Output, y)
#define OUTPUT y
#endif
CONSTANTS(ADDRESS(Input, x) ROW_GAIN_ADDRESS GAIN_ADDRESS ADDEND_ADDRESS OUTPUT_ADDRESS
          uint width; float scale; float addend_scale; float limit;)
layout(local_size_x_id = 0) in;
#include "Common/functions.glsl"

void main() {
  const uint i = gl_GlobalInvocationID.x, r = gl_WorkGroupID.y;
  if (i >= width) return;
  const uint at = r * width + i;
  float value = scale * x.v[at];
#ifdef ROW_GAIN
  value *= row_gain.v[r];
#endif
#ifdef GAIN
  value *= gain.v[i];
#endif
#if defined(ADDEND_TENSOR)
  value += addend_scale * z.v[at];
#elif defined(ADDEND_ROW)
  value += addend_scale * z.v[i];
#endif
#ifdef SOFT_CAP
  value = limit * accurate_tanh(value / limit);
#elif defined(CLAMP)
  value = clamp(value, -limit, limit);
#endif
  OUTPUT.v[at] = value;
}
