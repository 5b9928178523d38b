// The grids that Levin's system is solved on: one below the other, each of every other row and column.
//
// A row of a level's system is  g x + Σ_s k_s (x − x_s) = b : eight connections k and a pull g towards
// zero. Fixed pixels (hints, walls) have a row of zeros. Interpolation follows the connections: Dendy,
// "Black box multigrid", J. Comput. Phys. 48 (1982). Because a pixel may take from one that takes nothing
// back, the restriction follows the columns of the system, not its rows. A coarse system is the product
// of restriction, system and interpolation; its stencil has eight neighbours again.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "math/levin.h"

namespace napari_colorize::levin {

constexpr int kRowOf[kLevinNeighbours] = {-1, -1, -1, 0, 0, 1, 1, 1};
constexpr int kColumnOf[kLevinNeighbours] = {-1, 0, 1, -1, 1, -1, 0, 1};

// A plane with a margin of one pixel, all zeros at first.
template <class Scalar>
struct Plane {
  std::unique_ptr<Scalar[]> values;
  int64_t height = 0, width = 0, pitch = 0;

  Plane() = default;
  Plane(int64_t rows, int64_t columns)
      : values(new Scalar[(rows + 2) * (columns + 2)]()), height(rows), width(columns),
        pitch(columns + 2) {}

  Scalar* row(int64_t y) { return values.get() + (y + 1) * pitch + 1; }
  const Scalar* row(int64_t y) const { return values.get() + (y + 1) * pitch + 1; }
};

// Weights between a coarse pixel (I, J) and the fine ones of its cell: (2I, 2J + 1) to the left and the
// right, (2I + 1, 2J) up and down, (2I + 1, 2J + 1) to four corners.
template <class Scalar>
struct Corners {
  enum { kLeft, kRight, kUp, kDown, kFirstCorner, kCount = 8 };
  Plane<Scalar> weight[kCount];
};

template <class Scalar>
struct Level {
  int64_t height = 0, width = 0;
  Plane<Scalar> connection[kLevinNeighbours];
  Plane<Scalar> pull;
  Plane<Scalar> factor;      // reciprocal diagonal of the incomplete factors; 0 at fixed pixels
  Plane<Scalar> free;        // 1, or 0 at fixed pixels
  Plane<Scalar> scale;       // of a row, to the paper's normalised one; the finest level's alone
  Corners<Scalar> to_fine;   // interpolation from the next level
  Corners<Scalar> to_coarse; // restriction to it, transposed

  Level(int64_t rows, int64_t columns);
};

// Weights from luma of 0…1. `fixed` marks hints, `walls` and `certainty` may be null; all (height, width).
template <class Scalar>
std::vector<Level<Scalar>> make_levels(const Scalar* luma, const bool* fixed, const bool* walls,
                                       const Scalar* certainty, int64_t height, int64_t width);

}  // namespace napari_colorize::levin
