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
constexpr int kRowReach = 12;  // rows −12 … 12 may be asked for; those without bins answer so

struct BinRow {
  int base;  // number of bin (i, j) is base + j
  int low;   // lowest j
  int high;  // highest j; below low where the row has no bins
};

#define NC_ROW(base, low, high) ((((base) + 64) << 12) | (((low) + 32) << 6) | ((high) + 32))
#define NC_NO_ROW NC_ROW(0, 31, -31)

// Row i, −12 ≤ i ≤ 12, as one word, so that a vector loop needs one gather a row.
NC_HD int packed_row(int i) {
  static constexpr int rows[2 * kRowReach + 1] = {
      NC_NO_ROW,            NC_NO_ROW,           NC_NO_ROW,           NC_ROW(-5, 5, 9),
      NC_ROW(3, 2, 9),      NC_ROW(13, 0, 9),    NC_ROW(25, -2, 9),   NC_ROW(38, -3, 10),
      NC_ROW(53, -4, 10),   NC_ROW(69, -5, 10),  NC_ROW(85, -5, 10),  NC_ROW(102, -6, 10),
      NC_ROW(120, -7, 10),  NC_ROW(139, -8, 9),  NC_ROW(157, -8, 9),  NC_ROW(176, -9, 9),
      NC_ROW(196, -10, 9),  NC_ROW(216, -10, 8), NC_ROW(236, -11, 8), NC_ROW(256, -11, 8),
      NC_ROW(276, -11, 7),  NC_ROW(295, -11, 7), NC_ROW(312, -9, 0),  NC_NO_ROW,
      NC_NO_ROW};
  return rows[i + kRowReach];
}

NC_HD BinRow unpack_row(int packed) {
  return {(packed >> 12) - 64, ((packed >> 6) & 63) - 32, (packed & 63) - 32};
}

NC_HD BinRow bin_row(int i) { return unpack_row(packed_row(i)); }

#undef NC_ROW
#undef NC_NO_ROW

}  // namespace napari_colorize
