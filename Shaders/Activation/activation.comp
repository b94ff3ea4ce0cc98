// y[i] = f(x[i]); with GATED y[i] = f(gate[i]) · up[i], with ADDS_ONE · (up[i] + 1). One thread per element.
// One of SILU, GELU_TANH, GELU_ERF, GELU_QUICK, RELU, RELU_SQUARED, SIGMOID, SOFTPLUS and IDENTITY says what f is.
// With LIMITED the gate is at most `limit`, and up within ±limit.
#version 460
#include "Common/buffers.glsl"
BUFFER(0, readonly, float, Gate, gate)
#ifdef GATED
BUFFER(1, readonly, float, Up, up)
BUFFER(2, writeonly, float, Output, y)
#define UP_ADDRESS ADDRESS(Up, up)
#else
BUFFER(1, writeonly, float, Output, y)
#define UP_ADDRESS
#endif
CONSTANTS(ADDRESS(Gate, gate) UP_ADDRESS ADDRESS(Output, y) uint count; uint threads_per_row; float limit;)
layout(local_size_x_id = 0) in;
#include "Common/functions.glsl"

float activated(float g) {
#if defined(SILU)
  return g / (1.0 + exp(-g));
#elif defined(GELU_TANH)
  // ½ (1 + tanh(z)) = σ(2z).
  return g / (1.0 + exp(-1.5957691216 * g * (1.0 + 0.044715 * g * g)));
#elif defined(GELU_ERF)
  const float tail = normal_tail(g);
  return g * (g < 0.0 ? tail : 1.0 - tail);
#elif defined(GELU_QUICK)
  return g / (1.0 + exp(-1.702 * g));
#elif defined(RELU)
  return max(g, 0.0);
#elif defined(RELU_SQUARED)
  const float positive = max(g, 0.0);
  return positive * positive;
#elif defined(SIGMOID)
  return logistic(g);
#elif defined(SOFTPLUS)
  return softplus(g);
#elif defined(IDENTITY)
  return g;
#else
#error "define the function"
#endif
}

void main() {
  // Two dimensions of groups, because one alone may have as few as 65,535.
  const uint i = gl_WorkGroupID.y * threads_per_row + gl_GlobalInvocationID.x;
  if (i >= count || gl_GlobalInvocationID.x >= threads_per_row) return;
  float g = gate.v[i];
#ifdef LIMITED
  g = min(g, limit);
#endif
#ifdef GATED
  float factor = up.v[i];
#ifdef LIMITED
  factor = clamp(factor, -limit, limit);
#endif
#ifdef ADDS_ONE
  factor += 1.0;
#endif
  y.v[i] = activated(g) * factor;
#else
  y.v[i] = activated(g);
#endif
}
