// state[n, i] = exp(Δ · a[h]) · state[n, i] + Δ · b[t, g, n] · x[t, i], y[t, i] = Σ_n c[t, g, n] · state[n, i], with SKIP plus
// skip[h] · x[t, i], for channel i of head h in group g, token t after token; Δ = softplus(dt[t, h]). With DECAY_PER_STATE a
// has a row of states for each head.
//
// One thread per channel; a state of neighbouring channels lies together. States are walked in runs of RUN.
#version 460
#extension GL_EXT_control_flow_attributes : require
#include "Common/buffers.glsl"
BUFFER(0, readonly, float, Input, x)
BUFFER(1, readonly, float, Steps, dt)
BUFFER(2, readonly, float, Decay, a)
BUFFER(3, readonly, float, InputFactor, b)
BUFFER(4, readonly, float, OutputFactor, c)
#ifdef SKIP
BUFFER(5, readonly, float, Skip, skip)
#define SKIP_ADDRESS ADDRESS(Skip, skip)
#define AFTER_SKIP 6
#else
#define SKIP_ADDRESS
#define AFTER_SKIP 5
#endif
BUFFER(AFTER_SKIP, restrict, float, State, state)
BUFFER(AFTER_SKIP + 1, writeonly, float, Output, y)
CONSTANTS(ADDRESS(Input, x) ADDRESS(Steps, dt) ADDRESS(Decay, a) ADDRESS(InputFactor, b) ADDRESS(OutputFactor, c) SKIP_ADDRESS
          ADDRESS(State, state) ADDRESS(Output, y)
          uint tokens; uint heads; uint head_size; uint group_count; uint state_size;)
layout(local_size_x_id = 0) in;
#include "Common/functions.glsl"

void main() {
  const uint channels = heads * head_size;
  const uint i = gl_GlobalInvocationID.x;
  if (i >= channels) return;
  const uint h = i / head_size;
  const uint g = h / (heads / group_count);
  for (uint t = 0; t < tokens; t++) {
    const float delta = softplus(dt.v[t * heads + h]);
    const float value = x.v[t * channels + i];
    const uint shared_row = (t * group_count + g) * state_size;
#ifndef DECAY_PER_STATE
    const float decay = exp(delta * a.v[h]);
#endif
#ifdef SKIP
    float sum = skip.v[h] * value;
#else
    float sum = 0.0;
#endif
    for (uint first = 0; first < state_size; first += RUN) {
      [[unroll]] for (uint e = 0; e < RUN; e++) {
        const uint n = first + e;
        if (n < state_size) {
#ifdef DECAY_PER_STATE
          const float decay = exp(delta * a.v[h * state_size + n]);
#endif
          const float next = decay * state.v[n * channels + i] + delta * b.v[shared_row + n] * value;
          state.v[n * channels + i] = next;
          sum = fma(c.v[shared_row + n], next, sum);
        }
      }
    }
    y.v[t * channels + i] = sum;
  }
}
