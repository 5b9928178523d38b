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

template <class Float, class Scalar>
NC_HD Float filter_weight(Float guide_step, Scalar exponent) {
  return weight_exponential(-(guide_step * guide_step) - exponent);
}

// `exponent` of the spatial weight, positive, and `floor` = ε times that weight.
template <class Float>
NC_HD Float upsample_weight(Float guide_step, Float exponent, Float floor) {
  return weight_exponential(-(guide_step * guide_step) - exponent) + floor;
}

// Where the full-size pixels at hand lie in their picture: rows from `top` and columns from `left` on,
// of height × width.
struct Piece {
  int64_t top, left, height, width;
};

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
