// The multiply-add peak of a device: 16 independent chains of x ← x · factor + addend per thread, 64 multiply-adds in one
// turn of the loop, no memory but one store. y[i] is the sum of the chains. Not an operator: nothing computes with it.
//
// With factor = addend = 1 every number is a small integer and the result exactly 120 + 16 · 4 · turns, whatever the
// rounding. Both come from push constants, so that no compiler can fold the chains. One thread per element of y.
#version 460
#include "Common/buffers.glsl"
BUFFER(0, writeonly, float, Output, y)
CONSTANTS(ADDRESS(Output, y) uint turns; float factor; float addend;)
layout(local_size_x_id = 0) in;

#define CHAINS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define START(j) float x##j = float(j);
#define STEP(j) x##j = fma(x##j, factor, addend);
#define ADD(j) sum += x##j;

void main() {
  CHAINS(START)
  for (uint turn = 0; turn < turns; turn++) {
    CHAINS(STEP)
    CHAINS(STEP)
    CHAINS(STEP)
    CHAINS(STEP)
  }
  float sum = 0.0;
  CHAINS(ADD)
  y.v[gl_GlobalInvocationID.x] = sum;
}
