// y[r, i] = x[r, i] · gain[r mod gains, i] / sqrt(mean_j x[r, j]² + epsilon); with ADDS_RESIDUAL first x[r, i] += addend[r, i].
// With LEAST_CODE and GREATEST_CODE y is rounded to signed bytes within them, four to a word, and 0 past the width.
// One workgroup per row, threads stride along it; specialization constant 0 is its size.
#version 460
#extension GL_EXT_control_flow_attributes : require
#include "Common/buffers.glsl"
#ifdef ADDS_RESIDUAL
BUFFER(0, restrict, float, Residual, x)
BUFFER(1, readonly, float, Addend, addend)
#define INPUT_ADDRESSES ADDRESS(Residual, x) ADDRESS(Addend, addend)
#define GAIN_BINDING 2
#else
BUFFER(0, readonly, float, Input, x)
#define INPUT_ADDRESSES ADDRESS(Input, x)
#define GAIN_BINDING 1
#endif
BUFFER(GAIN_BINDING, readonly, float, Gain, gain)
#ifdef LEAST_CODE
BUFFER(GAIN_BINDING + 1, writeonly, uint, Codes, codes)
#define OUTPUT_ADDRESS ADDRESS(Codes, codes)
#else
BUFFER(GAIN_BINDING + 1, writeonly, float, Output, y)
#define OUTPUT_ADDRESS ADDRESS(Output, y)
#endif
CONSTANTS(INPUT_ADDRESSES ADDRESS(Gain, gain) OUTPUT_ADDRESS uint width; float epsilon; uint gains;)
layout(local_size_x_id = 0) in;
#include "Common/reduce.glsl"

void main() {
  const uint row = gl_WorkGroupID.x * width, gain_row = gl_WorkGroupID.x % gains * width;
  float squares = 0.0;
  for (uint i = gl_LocalInvocationID.x; i < width; i += gl_WorkGroupSize.x) {
    float value = x.v[row + i];
#ifdef ADDS_RESIDUAL
    value += addend.v[row + i];
#ifndef LEAST_CODE
    x.v[row + i] = value;
#endif
#endif
    squares = fma(value, value, squares);
  }
  const float scale = inversesqrt(reduce_add(squares) / float(width) + epsilon);
#ifdef LEAST_CODE
  // Threads have other elements now than before, so that the sums x + addend are made again, and stored only when every
  // thread has read what it needed.
  const uint words = (width + 3) / 4;
  for (uint w = gl_LocalInvocationID.x; w < words; w += gl_WorkGroupSize.x) {
    uint word = 0;
    [[unroll]] for (uint b = 0; b < 4; b++) {
      const uint i = 4 * w + b;
      if (i >= width) continue;
      float value = x.v[row + i];
#ifdef ADDS_RESIDUAL
      value += addend.v[row + i];
      x.v[row + i] = value;
#endif
      const float rounded = roundEven(value * scale * gain.v[gain_row + i]);
      word |= (uint(int(clamp(rounded, float(LEAST_CODE), float(GREATEST_CODE)))) & 0xffu) << (8 * b);
    }
    codes.v[gl_WorkGroupID.x * words + w] = word;
  }
#else
  // Every thread reads back only what it wrote itself.
  for (uint i = gl_LocalInvocationID.x; i < width; i += gl_WorkGroupSize.x) {
    y.v[row + i] = x.v[row + i] * scale * gain.v[gain_row + i];
  }
#endif
}
