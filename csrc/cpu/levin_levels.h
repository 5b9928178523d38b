// The grids that Levin's system is solved on: one below the other, each of every other row and column.
//
// A row of a level's system is  g x + Σ_s k_s (x − x_s) = b : eight connections k and a pull g towards
// zero. Fixed pixels (hints, walls) have a row of zeros. Interpolation follows the connections: Dendy,
// "Black box multigrid", J. Comput. Phys. 48 (1982). Because a pixel may take from one that takes nothing
// back, the restriction follows the columns of the system, not its rows. A coarse system is the product
// of restriction, system and interpolation; its stencil has eight neighbours again.
//
// The levels only lead to a solution, they do not say what it is: so their numbers are kept in half of a
// float's bits, whatever the type of the colours, and read as if they had been exact.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "math/levin.h"
#include "torch_stable.h"

namespace napari_colorize::levin {

constexpr int kRowOf[kLevinNeighbours] = {-1, -1, -1, 0, 0, 1, 1, 1};
constexpr int kColumnOf[kLevinNeighbours] = {-1, 0, 1, -1, 1, -1, 0, 1};

NC_HD float positive(float value) { return value > 0 ? value : 0.0f; }

NC_HD float reciprocal(float value) { return value > 1e-30f ? 1 / value : 0.0f; }

// The upper half of a float's bits, rounded to nearest: 8 bits of exponent, 8 of precision.
using Half = uint16_t;

NC_HD float wide(Half half) {
  const uint32_t bits = static_cast<uint32_t>(half) << 16;
  float value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

NC_HD Half narrow(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return static_cast<Half>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// A share of 0…1 in fixed point, and the rounding that leads there. Shares that belong together are rounded
// so that their sum stays: a constant must be interpolated to a constant, and nothing lost on the way down.
using Share = uint16_t;
constexpr float kWhole = 32768;

NC_HD float wide_share(Share share) {
  return static_cast<float>(static_cast<int32_t>(share)) * (1 / kWhole);
}

NC_HD float rounded(float value) { return (value + 12582912.0f) - 12582912.0f; }

// Rows of one or more planes side by side, with a margin of zeros two pixels wide.
template <class Scalar>
struct Plane {
  std::unique_ptr<Scalar[]> values;
  int64_t height = 0, width = 0, planes = 1, pitch = 0;

  Plane() = default;
  Plane(int64_t rows, int64_t columns, int64_t count = 1)
      : values(new Scalar[(rows + 4) * (columns + 4) * count]()), height(rows), width(columns),
        planes(count), pitch(columns + 4) {}

  int64_t step() const { return planes * pitch; }  // to the row below
  Scalar* row(int64_t y, int64_t c = 0) {
    return values.get() + ((y + 2) * planes + c) * pitch + 2;
  }
  const Scalar* row(int64_t y, int64_t c = 0) const {
    return values.get() + ((y + 2) * planes + c) * pitch + 2;
  }
};

// Weights between a coarse pixel (I, J) and the fine ones of its cell: (2I, 2J + 1) to the left and the
// right, (2I + 1, 2J) up and down, (2I + 1, 2J + 1) to four corners.
enum Way { kLeft, kRight, kUp, kDown, kFirstCorner, kWays = 8 };
constexpr int kFactor = kLevinNeighbours;  // among the planes of connections
constexpr int kToFine = 0, kToCoarse = kWays;  // among the planes of ways

struct Level {
  int64_t height = 0, width = 0;
  Plane<Half> connection;  // eight planes, and the reciprocal diagonal of the incomplete factors
  Plane<float> pull;       // a single row of zeros where it is zero everywhere
  Plane<uint8_t> free;     // 1, or 0 at fixed pixels
  Plane<Share> ways;       // interpolation from the next level, and restriction to it, transposed

  Level(int64_t rows, int64_t columns, bool pulled);

  const float* pull_row(int64_t y) const { return pull.row(pull.height == height ? y : 0); }

  // Rows are walked through in bands, which know nothing of each other: so that threads can share a
  // level, and find the same however many they are.
  int64_t bands() const { return std::max<int64_t>(1, height / 64); }
  int64_t band(int64_t b) const { return b * height / bands(); }  // its first row
};

// Calls function(begin, end) with the rows of a level in shares, by all threads where they are worth it.
template <class Function>
void for_rows(int64_t rows, int64_t width, const Function& function) {
  constexpr int64_t share = 1 << 15;  // pixels
  torch::stable::parallel_for(0, rows, std::max<int64_t>(8, share / std::max<int64_t>(width, 1)),
                              function);
}

// The same with a level's bands.
template <class Function>
void for_bands(const Level& level, const Function& function) {
  const int64_t pixels = level.height * level.width / level.bands();
  torch::stable::parallel_for(0, level.bands(), std::max<int64_t>(1, (1 << 15) / pixels),
                              [&](int64_t begin, int64_t end) {
                                for (int64_t b = begin; b < end; ++b) {
                                  function(level.band(b), level.band(b + 1));
                                }
                              });
}

// One row of a level; the rows of connections and of what is free beside it are so far away.
struct LevelRow {
  const Half* connection[kLevinNeighbours];
  const float* pull;
  const uint8_t* free;
  int64_t width, step, free_step;
};

inline LevelRow level_row(const Level& level, int64_t y) {
  LevelRow row{{}, level.pull_row(y), level.free.row(y),
               level.width, level.connection.step(), level.free.step()};
  for (int s = 0; s < kLevinNeighbours; ++s) {
    row.connection[s] = level.connection.row(y, s);
  }
  return row;
}

// Sets a level's connections, pull and what is free, by its finer level's and the ways between them.
void set_coarse(const Level& fine, Level& coarse);

// Fills what the first level's connections, pull and free leave open, and all levels below.
std::vector<Level> make_levels(Level&& first);

}  // namespace napari_colorize::levin
