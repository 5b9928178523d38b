#include "cpu/bilateral_grid.h"

#include "cpu/multiversion.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace napari_colorize::bilateral_grid {

template <class Scalar>
Range<Scalar> Range<Scalar>::nothing() {
  constexpr Scalar most = std::numeric_limits<Scalar>::max();
  return {most, -most};
}

template <class Scalar>
void Range<Scalar>::include(const Scalar* values, int64_t count) {
  Scalar least = lowest, most = highest;
  for (int64_t i = 0; i < count; ++i) {
    const bool finite = values[i] - values[i] == Scalar(0);
    least = finite && values[i] < least ? values[i] : least;
    most = finite && values[i] > most ? values[i] : most;
  }
  lowest = least;
  highest = most;
}

template <class Scalar>
void Range<Scalar>::include(const Range& other) {
  lowest = std::min(lowest, other.lowest);
  highest = std::max(highest, other.highest);
}

template <class Scalar>
Grid<Scalar>::Shape::Shape(int64_t height, int64_t width, Range<Scalar> range, double spacing,
                           double sigma_range)
    : rows(static_cast<int64_t>(grid_nodes(height - 1, spacing))),
      columns(static_cast<int64_t>(grid_nodes(width - 1, spacing))),
      spacing(spacing), lowest(range.lowest),
      levels_per_unit(static_cast<Scalar>(1.0 / sigma_range)) {
  // By the arithmetic of the pixels, so that the lightest of them finds its two nodes.
  levels = grid_place<Scalar>((range.highest - range.lowest) * levels_per_unit).node + 2;
}

template <class Scalar>
Grid<Scalar>::Grid(const Shape& shape, int64_t width)
    : shape_(shape), column_(width), upper_(shape.rows * shape.row_size()),
      lower_(shape.rows * shape.row_size()), blurred_(shape.rows * shape.row_size()) {
  for (int64_t x = 0; x < width; ++x) {
    const auto place = grid_place<double>(x / shape.spacing);
    column_[x] = {place.node, static_cast<Scalar>(place.fraction)};
  }
}

template <class Scalar>
GridPlace<Scalar> Grid<Scalar>::row_of(int64_t y) const {
  const auto place = grid_place<double>(y / shape_.spacing);
  return {place.node, static_cast<Scalar>(place.fraction)};
}

// Pixels of one row, and a row of nodes to add them to or to read them from.
template <class Scalar>
struct Pixels {
  const GridPlace<Scalar>* column;
  const Scalar* guide;
  const Scalar* chroma[kPlanes];
  Scalar* out[kPlanes];
  int planes;
  int64_t width, levels;
  Scalar lowest, levels_per_unit;
  Scalar* nodes;
};

// First node of four around a pixel, and the weights of the next column and the next level.
template <class Scalar>
struct Corner {
  int64_t first;
  Scalar across, up;
};

template <class Scalar>
NC_HD Corner<Scalar> corner_of(const Pixels<Scalar>& row, int64_t x, Scalar lightness) {
  const auto level = grid_place<Scalar>((lightness - row.lowest) * row.levels_per_unit);
  const int64_t node = row.column[x].node * row.levels + level.node;
  return {node * kCell, row.column[x].fraction, level.fraction};
}

template <class Scalar>
NC_HD void add_cell(Scalar* cell, Scalar weight, const Scalar* value) {
  for (int k = 0; k < kCell; ++k) {
    cell[k] += weight * value[k];
  }
}

template <class Scalar>
NC_HD void splat_row(const Pixels<Scalar>& row) {
  for (int64_t x = 0; x < row.width; ++x) {
    const Scalar lightness = row.guide[x];
    if (!(lightness - lightness == Scalar(0))) {
      continue;  // of no lightness that anybody shares
    }
    const auto corner = corner_of(row, x, lightness);
    const Scalar value[kCell] = {Scalar(1), row.chroma[0][x], row.chroma[1][x], Scalar(0)};
    const Scalar right = corner.across, left = Scalar(1) - right;
    const Scalar up = corner.up, down = Scalar(1) - up;
    Scalar* cell = row.nodes + corner.first;
    add_cell(cell, left * down, value);
    add_cell(cell + kCell, left * up, value);
    cell += row.levels * kCell;
    add_cell(cell, right * down, value);
    add_cell(cell + kCell, right * up, value);
  }
}

template <class Scalar>
NC_HD void slice_row(const Pixels<Scalar>& row) {
  for (int64_t x = 0; x < row.width; ++x) {
    const Scalar lightness = row.guide[x];
    if (!(lightness - lightness == Scalar(0))) {
      for (int c = 0; c < row.planes; ++c) {
        row.out[c][x] = std::numeric_limits<Scalar>::quiet_NaN();
      }
      continue;
    }
    const auto corner = corner_of(row, x, lightness);
    const Scalar* left = row.nodes + corner.first;
    const Scalar* right = left + row.levels * kCell;
    Scalar value[kCell];
    for (int k = 0; k < kCell; ++k) {
      const Scalar low = left[k] + corner.across * (right[k] - left[k]);
      const Scalar high =
          left[kCell + k] + corner.across * (right[kCell + k] - left[kCell + k]);
      value[k] = low + corner.up * (high - low);
    }
    for (int c = 0; c < row.planes; ++c) {
      row.out[c][x] = value[1 + c] / value[0];
    }
  }
}

NC_MULTIVERSION void splat_pixels(const Pixels<float>& row) { splat_row(row); }
NC_MULTIVERSION void splat_pixels(const Pixels<double>& row) { splat_row(row); }
NC_MULTIVERSION void slice_pixels(const Pixels<float>& row) { slice_row(row); }
NC_MULTIVERSION void slice_pixels(const Pixels<double>& row) { slice_row(row); }

// to += weight · from
template <class Scalar>
NC_HD void add_row_body(Scalar* __restrict to, Scalar weight, const Scalar* __restrict from,
                        int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    to[i] += weight * from[i];
  }
}

NC_MULTIVERSION void add_row(float* to, float weight, const float* from, int64_t count) {
  add_row_body(to, weight, from, count);
}

NC_MULTIVERSION void add_row(double* to, double weight, const double* from, int64_t count) {
  add_row_body(to, weight, from, count);
}

// Five taps along an axis of `size` nodes, `step` values apart, of a run of nodes; nothing beyond the
// ends. `to` must be zero.
template <class Scalar>
void blur_along(Scalar* to, const Scalar* from, int64_t count, int64_t step) {
  for (int tap = -kGridReach; tap <= kGridReach; ++tap) {
    const auto weight = static_cast<Scalar>(kGridTaps[std::abs(tap)]);
    const int64_t shift = std::abs(tap) * step;
    if (shift < count) {
      add_row(tap < 0 ? to + shift : to, weight, tap < 0 ? from : from + shift, count - shift);
    }
  }
}

template <class Scalar>
void Grid<Scalar>::splat(const Image<Scalar>& image, int64_t band, std::vector<Scalar>& scratch) {
  const int64_t size = shape_.row_size();
  const auto first = static_cast<int64_t>(std::floor(band * shape_.spacing));
  for (int64_t y = first; y < image.height && row_of(y).node <= band; ++y) {
    const auto place = row_of(y);
    if (place.node < band) {
      continue;
    }
    scratch.assign(size, Scalar(0));
    const int64_t at = y * image.width;
    splat_pixels(Pixels<Scalar>{column_.data(),
                                image.guide + at,
                                {image.chroma[0] + at, image.chroma[image.planes - 1] + at},
                                {},
                                image.planes,
                                image.width,
                                shape_.levels,
                                shape_.lowest,
                                shape_.levels_per_unit,
                                scratch.data()});
    add_row(upper_.data() + band * size, Scalar(1) - place.fraction, scratch.data(), size);
    add_row(lower_.data() + (band + 1) * size, place.fraction, scratch.data(), size);
  }
}

template <class Scalar>
void Grid<Scalar>::blur(int64_t row, std::vector<Scalar>& scratch) {
  const int64_t size = shape_.row_size(), column = shape_.levels * kCell;
  scratch.assign(2 * size, Scalar(0));
  Scalar *gathered = scratch.data(), *across = gathered + size;
  for (int tap = -kGridReach; tap <= kGridReach; ++tap) {
    if (row + tap >= 0 && row + tap < shape_.rows) {
      const auto weight = static_cast<Scalar>(kGridTaps[std::abs(tap)]);
      add_row(gathered, weight, upper_.data() + (row + tap) * size, size);
      add_row(gathered, weight, lower_.data() + (row + tap) * size, size);
    }
  }
  blur_along(across, gathered, size, column);
  for (int64_t at = 0; at < size; at += column) {
    blur_along(blurred_.data() + row * size + at, across + at, column, kCell);
  }
}

template <class Scalar>
void Grid<Scalar>::slice(const Image<Scalar>& image, int64_t y,
                         std::vector<Scalar>& scratch) const {
  const int64_t size = shape_.row_size(), at = y * image.width;
  const auto place = row_of(y);
  scratch.assign(size, Scalar(0));
  add_row(scratch.data(), Scalar(1) - place.fraction, blurred_.data() + place.node * size, size);
  add_row(scratch.data(), place.fraction, blurred_.data() + (place.node + 1) * size, size);
  slice_pixels(Pixels<Scalar>{column_.data(),
                              image.guide + at,
                              {},
                              {image.out[0] + at, image.out[image.planes - 1] + at},
                              image.planes,
                              image.width,
                              shape_.levels,
                              shape_.lowest,
                              shape_.levels_per_unit,
                              scratch.data()});
}

template struct Range<float>;
template struct Range<double>;
template class Grid<float>;
template class Grid<double>;

}  // namespace napari_colorize::bilateral_grid
