// decay[i] = exp(a[h] · softplus(dt[i])), for step i of head h: one for each token and head, with DECAY_PER_KEY key_size of them.
// One thread per step.
#version 460
#include "Common/buffers.glsl"
BUFFER(0, readonly, float, Steps, dt)
BUFFER(1, readonly, float, Rates, a)
BUFFER(2, writeonly, float, Decays, decay)
CONSTANTS(ADDRESS(Steps, dt) ADDRESS(Rates, a) ADDRESS(Decays, decay) uint heads; uint key_size;)
layout(local_size_x_id = 0) in;
#include "Common/functions.glsl"

void main() {
  // The steps of a token along x, tokens along y.
#ifdef DECAY_PER_KEY
  const uint steps = heads * key_size;
#else
  const uint steps = heads;
#endif
  const uint step = gl_GlobalInvocationID.x;
  if (step >= steps) return;
  const uint i = gl_WorkGroupID.y * steps + step;
  decay.v[i] = exp(a.v[step / (steps / heads)] * softplus(dt.v[i]));
}
