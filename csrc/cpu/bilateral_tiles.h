// What the joint bilateral filter and its gradient share on the CPU: the disk, tiles with a margin, and
// how they are filled. A guide outside the image that no pixel resembles spares inner loops all borders.
#pragma once

#include "math/bilateral.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace napari_colorize::bilateral {

constexpr int kTileRows = 32;
constexpr int kTileColumns = 128;
constexpr int kPlanes = 2;        // chroma planes that share the weights
constexpr double kNobody = 1e18;  // guide outside the image

template <class Scalar>
struct Tap {
  int64_t offset;   // in the buffer, from the pixel itself
  Scalar exponent;  // of the spatial weight
};

// The disk, row by row, as far as the image reaches: rows −margin … margin, columns −reach … reach.
// Row dy begins at row_start[dy + margin].
template <class Scalar>
struct Disk {
  std::vector<Tap<Scalar>> taps;
  std::vector<int> row_start;

  Disk(int64_t radius, int64_t margin, int64_t reach, int64_t pitch, double sigma_space) {
    for (int64_t dy = -margin; dy <= margin; ++dy) {
      row_start.push_back(static_cast<int>(taps.size()));
      auto half = static_cast<int64_t>(std::sqrt(static_cast<double>(radius * radius - dy * dy)));
      half = std::min(half, reach);
      for (int64_t dx = -half; dx <= half; ++dx) {
        const double exponent = space_exponent(dx * dx + dy * dy, sigma_space);
        taps.push_back({dy * pitch + dx, static_cast<Scalar>(exponent)});
      }
    }
    row_start.push_back(static_cast<int>(taps.size()));
  }
};

// The buffer of a tile: its pixels and `margin` rows and `reach` columns around, one plane after
// another, the guide first. Room for whole vectors is left at the end of each row.
struct TileShape {
  int64_t margin, reach, pitch, plane;

  TileShape(int64_t radius, int64_t height, int64_t width)
      : margin(std::min(radius, height - 1)), reach(std::min(radius, width - 1)),
        pitch(kTileColumns + 2 * reach), plane((kTileRows + 2 * margin) * pitch) {}
};

// The taps of the disk that lie inside an image, for a pixel of row y.
template <class Scalar>
struct TapRange {
  const Tap<Scalar>*first, *last;

  TapRange(const Disk<Scalar>& disk, const TileShape& shape, int64_t y, int64_t height) {
    const int64_t above = std::min(shape.margin, y);
    const int64_t below = std::min(shape.margin, height - 1 - y);
    first = disk.taps.data() + disk.row_start[shape.margin - above];
    last = disk.taps.data() + disk.row_start[shape.margin + below + 1];
  }
};

// One tile of an image: where it begins, and which rows its margin holds.
struct Place {
  int64_t top, left, rows, columns, first_row, end_row;

  Place(const TileShape& shape, int64_t height, int64_t width, int64_t top, int64_t left)
      : top(top), left(left), rows(std::min<int64_t>(kTileRows, height - top)),
        columns(std::min<int64_t>(kTileColumns, width - left)),
        first_row(std::max<int64_t>(0, top - shape.margin)),
        end_row(std::min(height, top + rows + shape.margin)) {}
};

// Columns [begin, begin + count) of an image's row of `width` pixels, made by value(column), with
// `outside` beyond the image.
template <class Scalar, class Value>
void fill_row(int64_t begin, int64_t width, Scalar outside, Scalar* to, int64_t count,
              const Value& value) {
  const int64_t left = std::clamp<int64_t>(-begin, 0, count);
  const int64_t right = std::clamp<int64_t>(width - begin, left, count);
  std::fill(to, to + left, outside);
  for (int64_t x = left; x < right; ++x) {
    to[x] = value(begin + x);
  }
  std::fill(to + right, to + count, outside);
}

}  // namespace napari_colorize::bilateral
