// Softmax over parts of the keys, each relative to the largest score so far.

// Below every score, and finite: the difference of two of them is no NaN.
#define LOWEST (-3.4e38)

// exp(from - to) for a running maximum that rises from `from` to `to`. Exactly 1 if it does not rise, so that keys which
// a row does not see, but a neighbour does, change no bit of the row.
float rescale(float from, float to) { return from == to ? 1.0 : exp(from - to); }
