// Joint bilateral upsampling a run of pixels at a time, for the operator of that name and for finish.
// Formula in math/bilateral.h. Nothing here is ever as large as the full-size image.
#pragma once

#include "math/bilateral.h"

#include <cstdint>
#include <vector>

namespace napari_colorize::upsampling {

constexpr int kRun = 256;     // full-size pixels of one row at a time
constexpr int kTileRows = 64;  // rows that share the expanded small pixels
constexpr int kPlanes = 2;    // chroma planes that share the weights
constexpr int kAlignment = 64;  // of buffers, in bytes: a vector lies in one line of the cache

// Which small pixels a full-size pixel sees along one axis, and how heavily: tap k of pixel i is at
// [k * size + i]. Taps too far or outside the image have weight 0 and the index of a pixel inside.
// The exponent is that of the weight, 2^−exponent.
template <class Scalar>
struct Axis {
  int64_t size;
  std::vector<int64_t> index;
  std::vector<Scalar> exponent, weight;

  // Pixels [start, start + size) of a side of `full`.
  Axis(int64_t start, int64_t size, int64_t full, int64_t small, int64_t taps, double sigma_space);
};

template <class Scalar>
struct Plan {
  int64_t taps;  // along one axis: twice the radius
  Axis<Scalar> rows, columns;
  Scalar guide_scale;

  // Of rows × columns pixels that are a piece of a picture.
  Plan(int64_t rows, int64_t columns, const Piece& piece, int64_t small_height,
       int64_t small_width, int64_t radius, double sigma_space, double sigma_range);
};

// One image's small planes; `planes` of them are used.
template <class Scalar>
struct SmallImage {
  const Scalar* guide;
  const Scalar* chroma[kPlanes];
  int planes;
  int64_t width;
};

// The small pixels that a tile of full-size pixels sees, each column's taps laid out along the row, so
// that the inner loop reads neighbours: [small row][tap][guide, chroma …][pixel of the run]. Values
// beyond the tile's columns are computed with and thrown away.
template <class Scalar>
class Tile {
 public:
  // Full-size rows [top, bottom) and columns [left, left + count), count ≤ kRun.
  void expand(const Plan<Scalar>& plan, const SmallImage<Scalar>& image, int64_t top,
              int64_t bottom, int64_t left, int count);

  // Row y of the tile: `lightness` has kRun values, of which `count` matter, and comes back scaled;
  // out[c] receives kRun values of plane c. Both are aligned to kAlignment.
  void upsample_row(const Plan<Scalar>& plan, int64_t y, Scalar* lightness,
                    Scalar* const* out) const;

 private:
  // std::vector aligns its memory as its elements ask for.
  struct alignas(kAlignment) Line {
    Scalar value[kAlignment / sizeof(Scalar)];
  };
  static constexpr int64_t kLine = kAlignment / sizeof(Scalar);
  static_assert(kRun % kLine == 0);

  std::vector<Line> expanded_;
  std::vector<Line> column_;  // [tap][exponent, smallest weight][pixel of the run]
  int64_t first_row_ = 0;
  int planes_ = 0;
  int count_ = 0;
};

extern template struct Axis<float>;
extern template struct Axis<double>;
extern template struct Plan<float>;
extern template struct Plan<double>;
extern template class Tile<float>;
extern template class Tile<double>;

// Calls visit(tile, image n, first plane c, top, bottom, left, count) for all tiles of all images in
// [begin, end); each covers up to kTileRows × kRun pixels. For use inside parallel_for.
struct TileGrid {
  int64_t groups, height, width;  // groups: images times pairs of planes
  int64_t down, across;

  TileGrid(int64_t groups, int64_t height, int64_t width)
      : groups(groups), height(height), width(width),
        down((height + kTileRows - 1) / kTileRows), across((width + kRun - 1) / kRun) {}

  int64_t count() const { return groups * down * across; }

  struct Place {
    int64_t group, top, bottom, left;
    int count;
  };

  Place place(int64_t t) const {
    const int64_t left = t % across * kRun;
    const int64_t top = t / across % down * kTileRows;
    const int64_t bottom = top + kTileRows < height ? top + kTileRows : height;
    const int64_t right = left + kRun < width ? left + kRun : width;
    return {t / across / down, top, bottom, left, static_cast<int>(right - left)};
  }
};

}  // namespace napari_colorize::upsampling
