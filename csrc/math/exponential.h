// 2^x for x ≤ 0, as weights and softmax need it: branch-free, relative error 2e-7 (float), 2^0 = 1.
//
// x = n + f with n the nearest integer; 2^f on [−1/2, 1/2] by a polynomial of degree 5 (fitted for
// least relative error, 9.1e-08), n added to its exponent bits. Below −125 the result stays at
// 2^−125, which is nothing beside the weight 1 that every sum here contains. NaN stays NaN. The text
// serves float and GNU vectors of float alike, so it is compiled for every width.
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
    using Bits = typename BitsOf<Float>::type;
    const Float round = Float{} + 12582912.0f;  // 1.5 · 2^23 leaves no fraction in the mantissa
    const Float shifted = x + round;
    const Float f = x - (shifted - round);
    Float p = f * 0.001326472614891827f + 0.009671512991189957f;
    p = p * f + 0.05550733581185341f;
    p = p * f + 0.24022242426872253f;
    p = p * f + 0.6931470036506653f;
    p = p * f + 1.0f;
    Bits mantissa, exponent;
    memcpy(&mantissa, &p, sizeof(p));
    memcpy(&exponent, &shifted, sizeof(shifted));
    mantissa += exponent << 23;
    Float result;
    memcpy(&result, &mantissa, sizeof(result));
    return result;
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

}  // namespace napari_colorize
