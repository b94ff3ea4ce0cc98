// What is stored under a key fades, a part of it is replaced by the value, and a query reads it, token after token:
// change = σ(beta[t, h]) · (v[t, i] - Σ_n k[t, g, n] · decay · state[n, i]), state[n, i] = decay · state[n, i] + k[t, g, n] · change,
// y[t, i] = Σ_n q[t, g, n] · state[n, i], for channel i of head h, which head g of keys serves; decay as decay.comp made it.
//
// One thread per channel; a state of neighbouring channels lies together. States are walked in runs of RUN.
#version 460
#extension GL_EXT_control_flow_attributes : require
#include "Common/buffers.glsl"
BUFFER(0, readonly, float, Queries, q)
BUFFER(1, readonly, float, Keys, k)
BUFFER(2, readonly, float, Values, v)
BUFFER(3, readonly, float, Decays, decay)
BUFFER(4, readonly, float, Shares, beta)
BUFFER(5, restrict, float, State, state)
BUFFER(6, writeonly, float, Output, y)
CONSTANTS(ADDRESS(Queries, q) ADDRESS(Keys, k) ADDRESS(Values, v) ADDRESS(Decays, decay) ADDRESS(Shares, beta)
          ADDRESS(State, state) ADDRESS(Output, y)
          uint tokens; uint heads; uint head_size; uint key_heads; uint key_size;)
layout(local_size_x_id = 0) in;
#include "Common/functions.glsl"

#ifdef DECAY_PER_KEY
#define DECAY(n) decay.v[(t * heads + h) * key_size + n]
#else
#define DECAY(n) decay_of_head
#endif

void main() {
  const uint channels = heads * head_size;
  const uint i = gl_GlobalInvocationID.x;
  if (i >= channels) return;
  const uint h = i / head_size;
#ifdef TILES_KEYS
  const uint g = h % key_heads;
#else
  const uint g = h / (heads / key_heads);
#endif
  for (uint t = 0; t < tokens; t++) {
    const uint key = (t * key_heads + g) * key_size;
#ifndef DECAY_PER_KEY
    const float decay_of_head = decay.v[t * heads + h];
#endif
    float stored = 0.0;
    for (uint first = 0; first < key_size; first += RUN) {
      [[unroll]] for (uint e = 0; e < RUN; e++) {
        const uint n = first + e;
        if (n < key_size) stored = fma(k.v[key + n], DECAY(n) * state.v[n * channels + i], stored);
      }
    }
    const float change = logistic(beta.v[t * heads + h]) * (v.v[t * channels + i] - stored);
    float sum = 0.0;
    for (uint first = 0; first < key_size; first += RUN) {
      [[unroll]] for (uint e = 0; e < RUN; e++) {
        const uint n = first + e;
        if (n < key_size) {
          const float next = DECAY(n) * state.v[n * channels + i] + k.v[key + n] * change;
          state.v[n * channels + i] = next;
          sum = fma(q.v[key + n], next, sum);
        }
      }
    }
    y.v[t * channels + i] = sum;
  }
}
