// Functions that Vulkan has not, or promises too little of: made of exp and division, whose precision it does promise, and of
// minimax polynomials. PumiceOperators/FunctionBounds.swift says how wrong they may be.

// σ(x) = 1 / (1 + exp(-x)); where exp overflows, 0.
float logistic(float x) { return 1.0 / (1.0 + exp(-x)); }

float accurate_tanh(float x) {
  const float z = abs(x);
  if (z < 0.625) {
    const float s = x * x;
    return x + x * s * (-3.3333283925e-1 + s * (1.3331491287e-1 + s * (-5.3743498064e-2 + s * (2.0650587218e-2 + s * -5.7170449539e-3))));
  }
  // From 16 on it is 1, and exp must not overflow.
  const float value = 1.0 - 2.0 / (1.0 + exp(2.0 * min(z, 16.0)));
  return x < 0.0 ? -value : value;
}

// 1 - Φ(|x|), what the standard normal distribution has above |x|: relatively accurate.
float normal_tail(float x) {
  const float t = abs(x) * 0.70710678;
  // (1 + 2t) · exp(t²) · erfc(t) as a polynomial in q; from 10 on exp(-t²) is 0.
  const float u = min(t, 10.0);
  const float q = (u - 2.0) / (u + 2.0);
  const float p = 1.2769783930 + q * (-9.2763976665e-2 + q * (-1.6603138968e-1 + q * (1.6405526696e-1 + q * (-5.4204711037e-2
    + q * (-8.0595990167e-3 + q * (8.6332709363e-3 + q * (1.3137225293e-3 + q * (-1.2318772442e-3 + q * -4.0171522821e-4))))))));
  return 0.5 * exp(-t * t) * p / (1.0 + 2.0 * u);
}

// log(1 + exp(x)), relatively accurate: log(1 + e) = 2 · artanh(e / (2 + e)).
float softplus(float x) {
  const float e = exp(-abs(x));
  const float a = e / (2.0 + e), s = a * a;
  const float logarithm = 2.0 * a + 2.0 * a * s * (3.3333206566e-1 + s * (2.0010849530e-1 + s * (1.3999570533e-1 + s * 1.4012229456e-1)));
  return max(x, 0.0) + logarithm;
}
