// Weights of the joint bilateral filter and of joint bilateral upsampling.
//
//   filter     exp(−d² / 2σ_s² − ΔL² / 2σ_r²)               Petschnigg et al., SIGGRAPH 2004, section 3
//   upsample   exp(−d² / 2σ_s²) · (exp(−ΔL² / 2σ_r²) + ε)   Kopf et al., SIGGRAPH 2007, section 3
//
// d in pixels of the chroma's grid, L in Lab units. The guide is brought to units in which the range
// term is 2^(−Δ²): multiply it by guide_scale. ε keeps a pixel whose lightness no neighbour shares:
// it gets the spatially interpolated colour.
#pragma once

#include "math/exponential.h"
#include "math/platform.h"

namespace napari_colorize {

constexpr double kRangeFloor = 1e-4;  // ε; RANGE_FLOOR of the plain-torch twin

NC_HD double guide_scale(double sigma_range) { return sqrt(0.5 * kLog2E) / sigma_range; }

// Exponent to the base 2 of the spatial weight at a squared distance, positive.
NC_HD double space_exponent(double squared_distance, double sigma_space) {
  return squared_distance * (0.5 * kLog2E) / (sigma_space * sigma_space);
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
    using Bits = typename BitsOf<Float>::type;
    const Float lowest = Float{} + kLeastExponent;
    const Float round = Float{} + 12582912.0f;  // 1.5 · 2^23 leaves no fraction in the mantissa
    x = x < lowest ? lowest : x;
    const Float shifted = x + round;
    const Float power = round_power(x - (shifted - round));
    Bits mantissa, exponent;
    memcpy(&mantissa, &power, sizeof(power));
    memcpy(&exponent, &shifted, sizeof(shifted));
    mantissa += exponent << 23;
    Float result;
    memcpy(&result, &mantissa, sizeof(result));
    return result;
  }
};

// Double precision is for checking gradients: the library's own function.
template <>
struct WeightExponential<double> {
  static NC_HD double of(double x) { return exp2(x); }
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

template <class Float, class Scalar>
NC_HD Float filter_weight(Float guide_step, Scalar exponent) {
  return weight_exponential(-(guide_step * guide_step) - exponent);
}

// `exponent` of the spatial weight, positive, and `floor` = ε times that weight.
template <class Float>
NC_HD Float upsample_weight(Float guide_step, Float exponent, Float floor) {
  return weight_exponential(-(guide_step * guide_step) - exponent) + floor;
}

// Where full-size pixel i lies on the small grid, pixel centres aligned: (i + 1/2) small / size − 1/2.
// One rounding only, so that positions on a small pixel are exact and mirror images stay mirrored.
NC_HD double small_position(int64_t i, int64_t small, int64_t size) {
  return static_cast<double>((2 * i + 1) * small - size) / static_cast<double>(2 * size);
}

constexpr double kNever = 1e30;  // exponent of a weight of 0

// Exponent of the spatial weight of small pixel `tap` for the position, relative to that of the
// nearest pixel of the image (so that it cannot underflow for all of them); kNever from `radius` on
// and outside the image. `unit` is the exponent at a distance of one pixel, space_exponent(1, σ_s).
template <class Scalar>
NC_HD Scalar axis_exponent(double position, int64_t tap, int64_t small, int64_t radius,
                           Scalar unit) {
  if (tap < 0 || tap >= small || fabs(position - tap) >= radius) {
    return static_cast<Scalar>(kNever);
  }
  double nearest = floor(position + 0.5);
  nearest = nearest < 0.0 ? 0.0 : (nearest > small - 1.0 ? small - 1.0 : nearest);
  const auto far = static_cast<Scalar>(position - tap);
  const auto near = static_cast<Scalar>(position - nearest);
  const Scalar exponent = unit * (far * far - near * near);
  return exponent < static_cast<Scalar>(kNever) ? exponent : static_cast<Scalar>(kNever);
}

}  // namespace napari_colorize
