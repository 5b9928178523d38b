// A bilateral grid of one image and up to two chroma planes; see math/bilateral_grid.h. Everything is
// done a row of pixels or a row of nodes at a time, so that what is worked on stays in the cache.
#pragma once

#include <cstdint>
#include <vector>

#include "math/bilateral_grid.h"

namespace napari_colorize::bilateral_grid {

constexpr int kPlanes = 2;
constexpr int kCell = 4;  // values of a node: weight, two sums of weighted chroma, and room

// One image; guide and planes are contiguous rows.
template <class Scalar>
struct Image {
  const Scalar* guide;
  const Scalar* chroma[kPlanes];
  Scalar* out[kPlanes];
  int planes;
  int64_t height, width;
};

// Finite lightness from lowest to highest; 0 to 0 where there is none.
template <class Scalar>
struct Range {
  Scalar lowest, highest;

  void include(const Scalar* values, int64_t count);
  void include(const Range& other);
  static Range nothing();
};

template <class Scalar>
class Grid {
 public:
  // Asks for memory; grid_is_small(nodes()) has to be checked before.
  struct Shape {
    int64_t rows, columns, levels;
    double spacing;  // pixels
    Scalar lowest, levels_per_unit;

    Shape(int64_t height, int64_t width, Range<Scalar> range, double spacing, double sigma_range);
    int64_t row_size() const { return columns * levels * kCell; }
  };

  Grid(const Shape& shape, int64_t width);

  // How many of these there are for splat(); they may run beside each other.
  int64_t bands() const { return shape_.rows - 1; }

  // Adds the rows of pixels between nodes `band` and `band` + 1. `scratch` is the caller's, to be
  // used again.
  void splat(const Image<Scalar>& image, int64_t band, std::vector<Scalar>& scratch);

  // Blurs row `row` of nodes along all axes, after all bands are splatted.
  void blur(int64_t row, std::vector<Scalar>& scratch);

  // Writes pixels of row `y`, after all rows are blurred.
  void slice(const Image<Scalar>& image, int64_t y, std::vector<Scalar>& scratch) const;

 private:
  GridPlace<Scalar> row_of(int64_t y) const;

  Shape shape_;
  std::vector<GridPlace<Scalar>> column_;  // of each pixel
  // Sums of a band's pixels for the node above and for the node below it.
  std::vector<Scalar> upper_, lower_, blurred_;
};

extern template struct Range<float>;
extern template struct Range<double>;
extern template class Grid<float>;
extern template class Grid<double>;

}  // namespace napari_colorize::bilateral_grid
