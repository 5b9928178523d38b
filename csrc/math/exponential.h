// 2^x for x ≤ 0, as weights and softmax need it: branch-free, relative error 2e-7 (float), 2^0 = 1.
//
// x = n + f with n the nearest integer; 2^f on [−1/2, 1/2] by a polynomial of degree 5 (fitted for
// least relative error, 9.1e-08), n added to its exponent bits. Below −125 the result stays at
// 2^−125, which is nothing beside the weight 1 that every sum here contains. NaN stays NaN. The text
// serves float and GNU vectors of float alike, so it is compiled for every width. Weights of means need
// less: weight_exponential, to 3e-6, has a degree less.
#pragma once

#include "math/platform.h"

#if defined(__GNUC__) && !defined(__clang__) && !defined(__CUDACC__)
#pragma GCC diagnostic ignored "-Wpsabi"  // whatever takes a vector is inlined
#endif

namespace napari_colorize {

constexpr double kLog2E = 1.44269504088896340736;
constexpr double kLn2 = 0.693147180559945309417;

// What a type of numbers needs here: integers of its width.
template <class Float>
struct BitsOf;

template <>
struct BitsOf<float> {
  using type = uint32_t;
};

constexpr float kRound = 12582912.0f;  // added, 1.5 · 2^23 leaves no fraction in the mantissa

// A number times 2^n, where `shifted` is n with kRound added.
template <class Float>
NC_HD Float raised(Float number, Float shifted) {
  using Bits = typename BitsOf<Float>::type;
  Bits bits, exponent;
  memcpy(&bits, &number, sizeof(number));
  memcpy(&exponent, &shifted, sizeof(shifted));
  bits += exponent << 23;
  Float result;
  memcpy(&result, &bits, sizeof(result));
  return result;
}

// 2^f for f in [0, 1], exact at 0, relative error 6.5e-08 and rounding: for processors that take floors
// apart in one instruction.
template <class Float>
NC_HD Float exp2_of_fraction(Float f) {
  Float p = f * 0.001855705864727497f + 0.009045396000146866f;
  p = p * f + 0.05577625706791878f;
  p = p * f + 0.240171879529953f;
  p = p * f + 0.6931506395339966f;
  return p * f + 1.0f;
}

// 2^x for −125 ≤ x ≤ 0 and NaN.
template <class Float>
struct Exponential {
  static NC_HD Float of(Float x) {
    const Float round = Float{} + kRound;
    const Float shifted = x + round;
    const Float f = x - (shifted - round);
    Float p = f * 0.001326472614891827f + 0.009671512991189957f;
    p = p * f + 0.05550733581185341f;
    p = p * f + 0.24022242426872253f;
    p = p * f + 0.6931470036506653f;
    p = p * f + 1.0f;
    return raised(p, shifted);
  }
};

// Double precision is for checking gradients: the library's own function.
template <>
struct Exponential<double> {
  static NC_HD double of(double x) { return exp2(x); }
};

// a where it is larger than b, else b: b where either is NaN.
template <class Float>
struct Larger {
  static NC_HD Float of(Float a, Float b) { return a > b ? a : b; }
};

template <class Float>
NC_HD Float larger(Float a, Float b) {
  return Larger<Float>::of(a, b);
}

// An exponent that Exponential takes: 2^−125 stands for everything below. NaN stays NaN.
template <class Float>
NC_HD Float held_exponent(Float x) {
  return larger(Float{} - 125.0f, x);
}

template <class Float>
NC_HD Float exp2_nonpositive(Float x) {
  return Exponential<Float>::of(held_exponent(x));
}

// Polynomials of degree 4 for 2^f, exact at 0, of relative error 3e-6, fitted for least relative error:
// chroma of ±128 comes out within 8e-4 Lab units, because every weight is wrong by at most that share.

// f in [−1/2, 1/2]: the fraction that rounding leaves.
template <class Float>
NC_HD Float round_power(Float f) {
  Float p = f * 0.009585382416844368f + 0.05590662732720375f;
  p = p * f + 0.24024038016796112f;
  p = p * f + 0.6931241750717163f;
  return p * f + 1.0f;
}

// f in [0, 1]: the fraction above the floor.
template <class Float>
NC_HD Float floor_power(Float f) {
  Float p = f * 0.013426861725747585f + 0.05224219337105751f;
  p = p * f + 0.24128030240535736f;
  p = p * f + 0.6930448412895203f;
  return p * f + 1.0f;
}

constexpr float kLeastExponent = -100.0f;

// 2^x for x ≤ 0. Below −100 the result may stay at 2^−100: nothing beside the 1 or the ε that every
// sum of weights holds, and far from the denormal numbers, with which a sum takes thirty times as
// long. NaN stays NaN. float, and GNU vectors of float.
template <class Float>
struct WeightExponential {
  static NC_HD Float of(Float x) {
    const Float lowest = Float{} + kLeastExponent;
    return of_held(x < lowest ? lowest : x);
  }

  // For x that is not below.
  static NC_HD Float of_held(Float x) {
    const Float round = Float{} + kRound;
    const Float shifted = x + round;
    return raised(round_power(x - (shifted - round)), shifted);
  }
};

// Double precision is for checking gradients: the library's own function.
template <>
struct WeightExponential<double> {
  static NC_HD double of(double x) { return exp2(x); }
  static NC_HD double of_held(double x) { return exp2(x); }
};

template <class Float>
NC_HD Float weight_exponential(Float x) {
#if defined(__CUDA_ARCH__)
  if constexpr (sizeof(Float) == sizeof(float)) {
    float weight;  // one instruction of the GPU, 2e-7
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(weight) : "f"(x));
    return weight;
  } else {
    return exp2(x);
  }
#else
  return WeightExponential<Float>::of(x);
#endif
}

}  // namespace napari_colorize
