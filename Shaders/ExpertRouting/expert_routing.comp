// Chooses CHOSEN experts for every row of logits, the highest score first and of equal ones the lowest index first, and weighs
// them by their scores without the bias. One of SOFTMAX, SOFTMAX_OF_CHOSEN and SIGMOID says what a score is.
//
// - With BIAS or GROUP_COUNT experts are chosen by score, with BIAS plus bias[i]; without, by logit, which is the same order.
// - With GROUP_COUNT and GROUPS_CHOSEN only experts of the groups with the highest sums of two scores are chosen.
// - With NORMALIZES weights are divided by their sum.
//
// One workgroup per row, threads stride along it; specialization constant 0 is its size. Every round finds the best expert after
// the last one in the order of choice, so that nothing must be crossed out.
#version 460
#include "Common/buffers.glsl"
BUFFER(0, readonly, float, Logits, logits)
#ifdef BIAS
BUFFER(1, readonly, float, Bias, bias)
#define BIAS_ADDRESS ADDRESS(Bias, bias)
#define AFTER_BIAS 2
#else
#define BIAS_ADDRESS
#define AFTER_BIAS 1
#endif
BUFFER(AFTER_BIAS, writeonly, uint, Experts, experts)
BUFFER(AFTER_BIAS + 1, restrict, float, Weights, weights)
CONSTANTS(ADDRESS(Logits, logits) BIAS_ADDRESS ADDRESS(Experts, experts) ADDRESS(Weights, weights)
          uint count; uint chosen; float scale;)
layout(local_size_x_id = 0) in;
#include "Common/functions.glsl"
#include "Common/reduce.glsl"

#define LEAST uintBitsToFloat(0xff800000u)
#define NOTHING 0xffffffffu

// Of the softmax: the greatest logit of the row, and the sum.
float greatest = 0.0, total = 1.0;

float score(float logit) {
#if defined(SOFTMAX)
  return exp(logit - greatest) / total;
#elif defined(SIGMOID)
  return logistic(logit);
#elif defined(SOFTMAX_OF_CHOSEN)
  return exp(logit - greatest);
#else
#error "define the score"
#endif
}

// What expert i of the row is chosen by; NaN counts as the least.
float key(uint row, uint i) {
  float value = logits.v[row + i];
#if defined(BIAS) || defined(GROUP_COUNT)
  value = score(value);
#endif
#ifdef BIAS
  value += bias.v[i];
#endif
  return value > LEAST ? value : LEAST;
}

// Whether (value, i) comes after (last, last_index) in the order of choice.
bool follows(float value, uint i, float last, uint last_index) {
  return last_index == NOTHING || value < last || (value == last && i > last_index);
}

#ifdef GROUP_COUNT
// The groups that experts may be chosen from, a bit for each.
uint choose_groups(uint row) {
  const uint members = count / GROUP_COUNT;
  uint allowed = 0;
  float last = 0.0;
  uint last_group = NOTHING;
  for (uint round = 0; round < GROUPS_CHOSEN; round++) {
    float best = LEAST;
    uint best_group = NOTHING;
    for (uint g = gl_LocalInvocationID.x; g < GROUP_COUNT; g += gl_WorkGroupSize.x) {
      float first = LEAST, second = LEAST;
      for (uint i = g * members; i < (g + 1) * members; i++) {
        const float value = key(row, i);
        second = max(second, min(first, value));
        first = max(first, value);
      }
      const float sum = first + second;
      if (follows(sum, g, last, last_group) && (best_group == NOTHING || sum > best)) {
        best = sum;
        best_group = g;
      }
    }
    last = reduce_max(best);
    last_group = reduce_min(best == last ? best_group : NOTHING);
    allowed |= 1u << last_group;
  }
  return allowed;
}
#endif

void main() {
  const uint row = gl_WorkGroupID.x * count, target = gl_WorkGroupID.x * chosen;
#ifdef SOFTMAX
  float largest = LEAST;
  for (uint i = gl_LocalInvocationID.x; i < count; i += gl_WorkGroupSize.x) largest = max(largest, logits.v[row + i]);
  greatest = reduce_max(largest);
  float sum = 0.0;
  for (uint i = gl_LocalInvocationID.x; i < count; i += gl_WorkGroupSize.x) sum += exp(logits.v[row + i] - greatest);
  total = reduce_add(sum);
#endif
#ifdef GROUP_COUNT
  const uint allowed = choose_groups(row);
#endif
  float last = 0.0, weight_sum = 0.0;
  uint last_index = NOTHING;
  for (uint round = 0; round < chosen; round++) {
    float best = LEAST;
    uint best_index = NOTHING;
    for (uint i = gl_LocalInvocationID.x; i < count; i += gl_WorkGroupSize.x) {
#ifdef GROUP_COUNT
      if ((allowed >> (i / (count / GROUP_COUNT)) & 1u) == 0) continue;
#endif
      const float value = key(row, i);
      if (follows(value, i, last, last_index) && (best_index == NOTHING || value > best)) {
        best = value;
        best_index = i;
      }
    }
    last = reduce_max(best);
    last_index = reduce_min(best == last ? best_index : NOTHING);
    const float logit = logits.v[row + last_index];
#ifdef SOFTMAX_OF_CHOSEN
    if (round == 0) greatest = logit;
#endif
    const float weight = score(logit);
    weight_sum += weight;
    if (gl_LocalInvocationID.x == 0) {
      experts.v[target + round] = last_index;
      weights.v[target + round] = weight;
    }
  }
  // The first thread reads back what it wrote itself.
  if (gl_LocalInvocationID.x != 0) return;
  for (uint s = 0; s < chosen; s++) {
    float weight = weights.v[target + s];
#if defined(SOFTMAX_OF_CHOSEN)
    weight /= weight_sum;
#elif defined(NORMALIZES)
    weight /= max(weight_sum, 6.103515625e-5);
#endif
    weights.v[target + s] = weight * scale;
  }
}
