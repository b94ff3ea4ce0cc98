// y[r, i] = (x[r, i] − μ) / sqrt(mean_j (x[r, j] − μ)² + epsilon), μ the mean of the row; with GAIN times gain[r mod gains, i], with BIAS plus
// bias[r mod gains, i]; with ADDS_RESIDUAL first x[r, i] += addend[r, i].
// One workgroup per row, threads stride along it; specialization constant 0 is its size.
#version 460
#include "Common/buffers.glsl"
#ifdef ADDS_RESIDUAL
BUFFER(0, restrict, float, Residual, x)
BUFFER(1, readonly, float, Addend, addend)
#define INPUT_ADDRESSES ADDRESS(Residual, x) ADDRESS(Addend, addend)
#define AFTER_INPUT 2
#else
BUFFER(0, readonly, float, Input, x)
#define INPUT_ADDRESSES ADDRESS(Input, x)
#define AFTER_INPUT 1
#endif
#ifdef GAIN
BUFFER(AFTER_INPUT, readonly, float, Gain, gain)
#define GAIN_ADDRESS ADDRESS(Gain, gain)
#define AFTER_GAIN (AFTER_INPUT + 1)
#else
#define GAIN_ADDRESS
#define AFTER_GAIN AFTER_INPUT
#endif
#ifdef BIAS
BUFFER(AFTER_GAIN, readonly, float, Bias, bias)
#define BIAS_ADDRESS ADDRESS(Bias, bias)
#define AFTER_BIAS (AFTER_GAIN + 1)
#else
#define BIAS_ADDRESS
#define AFTER_BIAS AFTER_GAIN
#endif
BUFFER(AFTER_BIAS, writeonly, float, Output, y)
CONSTANTS(INPUT_ADDRESSES GAIN_ADDRESS BIAS_ADDRESS ADDRESS(Output, y) uint width; float epsilon; uint gains;)
layout(local_size_x_id = 0) in;
#include "Common/reduce.glsl"

void main() {
  const uint row = gl_WorkGroupID.x * width, gain_row = gl_WorkGroupID.x % gains * width;
  float sum = 0.0;
  for (uint i = gl_LocalInvocationID.x; i < width; i += gl_WorkGroupSize.x) {
    float value = x.v[row + i];
#ifdef ADDS_RESIDUAL
    value += addend.v[row + i];
    x.v[row + i] = value;
#endif
    sum += value;
  }
  const float mean = reduce_add(sum) / float(width);
  // The squares of what is left without the mean: the difference of two sums would lose everything where the mean is large. Every
  // thread reads back only what it wrote itself.
  float squares = 0.0;
  for (uint i = gl_LocalInvocationID.x; i < width; i += gl_WorkGroupSize.x) {
    const float centered = x.v[row + i] - mean;
    squares = fma(centered, centered, squares);
  }
  const float scale = inversesqrt(reduce_add(squares) / float(width) + epsilon);
  for (uint i = gl_LocalInvocationID.x; i < width; i += gl_WorkGroupSize.x) {
    float value = (x.v[row + i] - mean) * scale;
#ifdef GAIN
    value *= gain.v[gain_row + i];
#endif
#ifdef BIAS
    value += bias.v[gain_row + i];
#endif
    y.v[row + i] = value;
  }
}
