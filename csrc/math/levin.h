// How much a pixel takes from each of its eight neighbours: Levin, Lischinski and Weiss, SIGGRAPH 2004,
// section 2, with the spread as in the authors' release.
//
//   k_rs = exp(−(Y_s − Y_r)² / σ_r),   σ_r = max(0.6 var, min_s (Y_s − Y_r)² / ln 100, 2e-6)
//
// Y is luma of 0…1; the variance is that of the window of 3 × 3 pixels, its centre and those inside the
// image and not in a wall. The paper's weights w_rs are k_rs divided by their sum over s; a row of the
// system may be scaled by any number, and here it keeps its k.
#pragma once

#include "math/exponential.h"
#include "math/platform.h"

namespace napari_colorize {

constexpr int kLevinNeighbours = 8;
constexpr double kLevinShare = 0.6;                    // of the window's variance
constexpr double kLevinNearest = 0.21714724095162591;  // 1 / ln 100
constexpr double kLevinFloor = 2e-6;

// `step[i]` is Y_s − Y_r, `inside[i]` 1 or 0. Writes k, 0 for neighbours that are not inside.
template <class Scalar>
NC_HD void levin_weights(const Scalar* step, const Scalar* inside, Scalar* weight) {
  Scalar count = 1, sum = 0, squares = 0, least = 4;
  for (int i = 0; i < kLevinNeighbours; ++i) {
    const Scalar d = step[i] * inside[i];
    count += inside[i];
    sum += d;
    squares += d * d;
    const Scalar far = inside[i] != 0 ? d * d : Scalar(4);
    least = far < least ? far : least;
  }
  const Scalar mean = sum / count;
  const Scalar variance = squares / count - mean * mean;
  Scalar spread = static_cast<Scalar>(kLevinShare) * variance;
  const Scalar nearest = static_cast<Scalar>(kLevinNearest) * least;
  spread = spread < nearest ? nearest : spread;
  spread = spread < static_cast<Scalar>(kLevinFloor) ? static_cast<Scalar>(kLevinFloor) : spread;
  const Scalar scale = static_cast<Scalar>(-kLog2E) / spread;
  for (int i = 0; i < kLevinNeighbours; ++i) {
    weight[i] = exp2_nonpositive(scale * step[i] * step[i] * inside[i]) * inside[i];
  }
}

}  // namespace napari_colorize
