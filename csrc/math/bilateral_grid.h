// The joint bilateral filter over a bilateral grid: approximate, at a cost that no radius changes.
//
//   Paris and Durand, ECCV 2006, section 4 (homogeneous values, downsampled product space)
//   Chen, Paris and Durand, SIGGRAPH 2007, sections 3 and 5 (the grid, and the filter for one image
//   under the edges of another)
//
// Axes: rows, columns, lightness. Pixels are added to the eight nodes around them with linear weights
// (splatted), the grid is blurred with five taps along each axis, and read at the pixels with the
// same linear weights (sliced). A node is one spatial sigma from the next, and one range sigma along
// the lightness. Splatting and slicing blur by a third of a node spacing squared, so the taps' variance is
// what is missing to one.
#pragma once

#include "math/platform.h"

namespace napari_colorize {

// exp(−k² / 2m) for k = 0, 1, 2, scaled so that all five have sum 1 and variance 2/3.
constexpr int kGridReach = 2;
constexpr double kGridTaps[kGridReach + 1] = {0.4853465521809514, 0.23199118743492136, 0.02533553647460298};

constexpr int64_t kLeastGridRadius = 4;        // the exact filter is as fast below
constexpr double kLeastGridSigma = 1.0;        // pixels: no grid finer than the image
constexpr double kMostNodesPerPixel = 4.0;     // and a few for the smallest pictures:
constexpr double kFreeNodes = 65536.0;

// Standard deviation along one axis of the Gaussian that ends at a disk's edge: that of the exact
// filter's window over a flat guide. σ² (1 − t / (exp(t) − 1)), t = r² / 2σ².
NC_HD double disk_sigma(double radius, double sigma_space) {
  const double t = radius * radius / (2.0 * sigma_space * sigma_space);
  if (t < 1e-4) {
    return 0.5 * radius * sqrt(1.0 - t / 6.0);  // the limit, a flat disk; no digits cancel
  }
  return sigma_space * sqrt(1.0 - t / expm1(t));
}

// Nodes along an axis, of which the last is never read alone.
NC_HD double grid_nodes(double extent, double spacing) { return floor(extent / spacing) + 2.0; }

NC_HD bool grid_is_small(double nodes, double pixels) {
  return nodes <= kMostNodesPerPixel * pixels + kFreeNodes;
}

// Where a coordinate lies between two nodes.
template <class Scalar>
struct GridPlace {
  int32_t node;
  Scalar fraction;  // of the way to the next
};

template <class Scalar>
NC_HD GridPlace<Scalar> grid_place(Scalar coordinate) {
  const auto node = static_cast<int32_t>(coordinate);
  return {node, coordinate - static_cast<Scalar>(node)};
}

}  // namespace napari_colorize
