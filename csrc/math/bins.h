// The 313 ab bins of Zhang, Isola and Efros (ECCV 2016, section 2.1) as a lattice.
//
// Bin (i, j) stands for (a, b) = (10 i, 10 j). Rows of equal i hold contiguous j; numbers run with i
// ascending, then j ascending. napari_colorize/ops/bins.py has the same table; a test compares them.
#pragma once

#include "math/platform.h"

namespace napari_colorize {

constexpr int kBinCount = 313;
constexpr float kBinStep = 10.0f;
constexpr int kFirstRow = -9;
constexpr int kLastRow = 10;
constexpr int kSurroundingReach = 11;
constexpr int kSurroundingSide = 2 * kSurroundingReach + 1;

struct BinRow {
  int base;  // number of bin (i, j) is base + j
  int low;   // lowest j
  int high;  // highest j
};

// Number less j, lowest and highest j of every row.
#define NC_BIN_ROWS                                                                              \
  {{-5, 5, 9},     {3, 2, 9},      {13, 0, 9},     {25, -2, 9},    {38, -3, 10},                 \
   {53, -4, 10},   {69, -5, 10},   {85, -5, 10},   {102, -6, 10},  {120, -7, 10},                \
   {139, -8, 9},   {157, -8, 9},   {176, -9, 9},   {196, -10, 9},  {216, -10, 8},                \
   {236, -11, 8},  {256, -11, 8},  {276, -11, 7},  {295, -11, 7},  {312, -9, 0}}

// Row i, kFirstRow ≤ i ≤ kLastRow.
NC_HD BinRow bin_row(int i) {
  static constexpr BinRow rows[] = NC_BIN_ROWS;
  return rows[i - kFirstRow];
}

// What surrounds a bin, as one word, so that a vector loop needs one gather a pixel:
// bit 0                whether the bin and its four neighbours are all in the set
// bits 1 to 4          whether the diagonal ones are: (−, −), (−, +), (+, −), (+, +) in i and j
// bits 5 to 13         the bin's number
// bits 14 to 19        how many numbers lie between it and (i − 1, j); 20 to 25: and (i + 1, j)
struct BinSurroundings {
  int words[kSurroundingSide * kSurroundingSide] = {};

  constexpr BinSurroundings() {
    for (int i = kFirstRow + 1; i < kLastRow; ++i) {
      const BinRow rows[] = NC_BIN_ROWS;
      const BinRow below = rows[i - 1 - kFirstRow];
      const BinRow here = rows[i - kFirstRow];
      const BinRow above = rows[i + 1 - kFirstRow];
      for (int j = here.low + 1; j < here.high; ++j) {
        if (below.low <= j && j <= below.high && above.low <= j && j <= above.high) {
          words[(i + kSurroundingReach) * kSurroundingSide + j + kSurroundingReach] =
              1 | (j - 1 >= below.low) << 1 | (j + 1 <= below.high) << 2 |
              (j - 1 >= above.low) << 3 | (j + 1 <= above.high) << 4 | (here.base + j) << 5 |
              (here.base - below.base) << 14 | (above.base - here.base) << 20;
        }
      }
    }
  }
};

// The surroundings of bin (i, j), |i|, |j| ≤ kSurroundingReach; 0 where they leave the set.
NC_HD int surroundings_of_bin(int i, int j) {
  static constexpr BinSurroundings table;
  return table.words[(i + kSurroundingReach) * kSurroundingSide + j + kSurroundingReach];
}

#undef NC_BIN_ROWS

}  // namespace napari_colorize
