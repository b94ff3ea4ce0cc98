// Changes of the score of query and key before softmax.
//
// A generated text (PumiceKernels/ScoreProgram.swift) puts the functions below together, and takes all numbers from a
// buffer of words, which the including shader makes known as SCORE_WORD(i), a uint. The shader then calls
//
//   float score_modified(float score, uint head, int query, int key)
#define SCORE_FLOAT(i) uintBitsToFloat(SCORE_WORD(i))

// cap · tanh(score / cap). Of exp only arguments that are not positive are taken, so that nothing overflows.
float score_soft_cap(float cap, float score) {
  const float shrunk = exp(-2.0 * abs(score) / cap);
  return sign(score) * cap * (1.0 - shrunk) / (1.0 + shrunk);
}

float score_alibi(float slope, float score, int query, int key) {
  return score - slope * float(abs(query - key));
}

#include "Generated/score.glsl"
