// y[t, c] = Σ_j weight[c, j] · x[t − TAPS + 1 + j, c], with BIAS plus bias[c], with SILU then y · σ(y). Inputs before the first
// token come from `state`, the oldest first, which in the end holds those before whatever comes next.
// One thread per channel, token after token, the last TAPS inputs in registers.
#version 460
#extension GL_EXT_control_flow_attributes : require
#include "Common/buffers.glsl"
BUFFER(0, readonly, float, Input, x)
BUFFER(1, readonly, float, Weight, weight)
#ifdef BIAS
BUFFER(2, readonly, float, Bias, bias)
#define BIAS_ADDRESS ADDRESS(Bias, bias)
#define AFTER_BIAS 3
#else
#define BIAS_ADDRESS
#define AFTER_BIAS 2
#endif
BUFFER(AFTER_BIAS, restrict, float, State, state)
BUFFER(AFTER_BIAS + 1, writeonly, float, Output, y)
CONSTANTS(ADDRESS(Input, x) ADDRESS(Weight, weight) BIAS_ADDRESS ADDRESS(State, state) ADDRESS(Output, y)
          uint tokens; uint channels;)
layout(local_size_x_id = 0) in;

void main() {
  const uint c = gl_GlobalInvocationID.x;
  if (c >= channels) return;
  float weights[TAPS], window[TAPS];
  [[unroll]] for (uint j = 0; j < TAPS; j++) weights[j] = weight.v[c * TAPS + j];
  [[unroll]] for (uint j = 1; j < TAPS; j++) window[j] = state.v[(j - 1) * channels + c];
  for (uint t = 0; t < tokens; t++) {
    [[unroll]] for (uint j = 1; j < TAPS; j++) window[j - 1] = window[j];
    window[TAPS - 1] = x.v[t * channels + c];
#ifdef BIAS
    float sum = bias.v[c];
#else
    float sum = 0.0;
#endif
    [[unroll]] for (uint j = 0; j < TAPS; j++) sum = fma(weights[j], window[j], sum);
#ifdef SILU
    sum = sum / (1.0 + exp(-sum));
#endif
    y.v[t * channels + c] = sum;
  }
  [[unroll]] for (uint j = 1; j < TAPS; j++) state.v[(j - 1) * channels + c] = window[j];
}
