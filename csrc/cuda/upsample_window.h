// The small pixels that a full-size pixel sees, and their spatial weights: what the kernels of joint
// bilateral upsampling, of finish and of the gradients share.
#pragma once

#include "cuda/bilateral.h"
#include "math/bilateral.h"

namespace napari_colorize::cuda {

constexpr int kPlanes = 2;  // chroma planes that share the weights
constexpr int kMostTaps = 128;

// Units of the exponents, once a launch.
template <class Scalar>
struct Weights {
  Scalar range, space;
};

template <class Scalar>
Weights<Scalar> weights_of(const Small<Scalar>& small) {
  return {static_cast<Scalar>(guide_scale(small.sigma_range)),
          static_cast<Scalar>(space_exponent(1.0, small.sigma_space))};
}

// Column k of the window is small column left + k; only `begin` to `end` lie inside the image and
// within reach, and only there is anything held.
template <class Scalar>
struct Window {
  Scalar exponent[kMostTaps], least[kMostTaps];  // of the weight, and ε times it
  double row;
  int64_t top, left;
  int taps, begin, end;

  __device__ Window(const Small<Scalar>& small, int64_t y, int64_t x, Scalar space)
      : row(small_position(small.top + y, small.small_height, small.full_height)), taps(2 * small.radius),
        begin(taps), end(0) {
    const double column = small_position(small.left + x, small.small_width, small.full_width);
    top = static_cast<int64_t>(floor(row)) + 1 - small.radius;
    left = static_cast<int64_t>(floor(column)) + 1 - small.radius;
    for (int k = 0; k < taps; ++k) {
      exponent[k] = axis_exponent(column, left + k, small.small_width, small.radius, space);
      least[k] = static_cast<Scalar>(kRangeFloor) * weight_exponential(-exponent[k]);
      const bool seen = exponent[k] < static_cast<Scalar>(kNever);
      begin = seen && k < begin ? k : begin;
      end = seen ? k + 1 : end;
    }
  }

  // Calls visit(weight of the row, first small pixel of its columns) for the rows within reach.
  template <class Visit>
  __device__ void for_each_row(const Small<Scalar>& small, Scalar space, const Visit& visit) const {
    for (int ky = 0; ky < taps; ++ky) {
      const Scalar power = axis_exponent(row, top + ky, small.small_height, small.radius, space);
      if (power < static_cast<Scalar>(kNever)) {
        visit(weight_exponential(-power), (top + ky) * small.small_width + left);
      }
    }
  }
};

}  // namespace napari_colorize::cuda
