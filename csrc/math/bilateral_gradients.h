// Gradients of the joint bilateral filter and of joint bilateral upsampling; weights in bilateral.h.
//
// Both are out_i = Σ_j w_ij c_j / n_i with n_i = Σ_j w_ij. With q_i = ∂/∂out_i / n_i
//
//   ∂/∂c_j = Σ_i w_ij q_i          ∂/∂w_ij = q_i · (c_j − out_i)          ∂w_ij/∂L_i = w_ij ΔL / σ_r²
//
// where ΔL = L_j − L_i and w_ij of the last is without ε; by L_j it is the opposite. The filter's disk is
// symmetric, w_ij = w_ji: what pixel i gives to its neighbours it can as well collect from them, and
// both roles of a pixel in ∂/∂L join into one sum over its own disk,
//
//   ∂/∂L_i = Σ_j w_ij ΔL / σ_r² · ((q_i − q_j) · (c_j − c_i) + d_i + d_j),   d_i = q_i · (c_i − out_i)
//
// in differences of chroma alone, so that a colour far from grey costs no digits. Guides are in units
// of guide_scale as in bilateral.h, and sums of steps are brought back by guide_slope.
#pragma once

#include "math/bilateral.h"

namespace napari_colorize {

// ∂(2^−Δ²)/∂L_i = 2^−Δ² · Δ · guide_slope, for Δ = guide_scale · (L_j − L_i).
NC_HD double guide_slope(double sigma_range) { return 2.0 * kLn2 * guide_scale(sigma_range); }

// A pixel of the filter as its neighbours see it; chroma and `own` (d above) serve the guide alone.
template <class Float, int Planes>
struct FilterPixel {
  Float guide, scaled[Planes], chroma[Planes], own;
};

template <class Float, int Planes>
struct FilterGradient {
  Float chroma[Planes], guide;
};

// d of the head, of the scaled gradient, the chroma and the filter's output in one pixel.
template <class Float>
NC_HD Float own_pull(Float scaled, Float chroma, Float out) {
  return scaled * (chroma - out);
}

// What the neighbour `there` adds to the gradients `here`.
template <bool ToChroma, bool ToGuide, class Float, int Planes, class Scalar>
NC_HD void add_neighbour(const FilterPixel<Float, Planes>& here,
                         const FilterPixel<Float, Planes>& there, Scalar exponent,
                         FilterGradient<Float, Planes>& gradient) {
  const Float step = there.guide - here.guide;
  const Float weight = filter_weight(step, exponent);
  if constexpr (ToChroma) {
    for (int c = 0; c < Planes; ++c) {
      gradient.chroma[c] += weight * there.scaled[c];
    }
  }
  if constexpr (ToGuide) {
    Float pull = here.own + there.own;
    for (int c = 0; c < Planes; ++c) {
      pull += (here.scaled[c] - there.scaled[c]) * (there.chroma[c] - here.chroma[c]);
    }
    gradient.guide += weight * step * pull;
  }
}

// ∂/∂w of the upsampling: a full-size pixel's gradient and output, a small pixel's chroma.
template <int Planes, class Float>
NC_HD Float weight_pull(const Float* gradient, const Float* out, const Float* chroma) {
  Float pull = gradient[0] * (chroma[0] - out[0]);
  for (int c = 1; c < Planes; ++c) {
    pull += gradient[c] * (chroma[c] - out[c]);
  }
  return pull;
}

// The full-size pixels of one axis among which are all that see a small pixel, begin to end: the other
// way round than small_position, one more at each side against rounding.
struct SeenBy {
  int64_t begin, end;
};

NC_HD SeenBy seen_by(int64_t tap, int64_t small, int64_t size, int64_t radius) {
  const double ratio = static_cast<double>(size) / static_cast<double>(small);
  const double first = floor((static_cast<double>(tap - radius) + 0.5) * ratio - 0.5) - 1.0;
  const double last = ceil((static_cast<double>(tap + radius) + 0.5) * ratio - 0.5) + 1.0;
  const double most = static_cast<double>(size - 1);
  return {static_cast<int64_t>(first < 0.0 ? 0.0 : first),
          static_cast<int64_t>(last > most ? most : last) + 1};
}

}  // namespace napari_colorize
