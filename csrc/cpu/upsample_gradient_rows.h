// One row of a strip of the upsampling's gradients, full-size or small; formulas in
// math/bilateral_gradients.h.
#pragma once

#include "cpu/upsample_strip.h"

namespace napari_colorize::upsampling {

// A row of the strip and the small rows it sees: finds 1 / Σw and, where asked for, the pull on its guide.
template <class Scalar>
struct LookRow {
  const Scalar* const* small_rows;
  const Scalar* row_weight;
  int rows, columns;
  const Scalar* column;
  const Scalar* pixel;  // guide, gradient …, out …
  int planes;           // of the layout
  Scalar *reciprocal, *pull;
};

// A small row, all its taps, and the full-size rows that see it: sums of `planes` + 1 each tap.
template <class Scalar>
struct CollectRow {
  const Scalar* small;
  const Scalar* column;
  int columns;
  const Scalar* pixels;
  const Scalar* row_weight;
  int rows;
  Scalar* sums;
};

void look_at(const LookRow<float>& row, bool to_guide);
void look_at(const LookRow<double>& row, bool to_guide);

// Of `planes` planes, one or two; what is not asked for is filled with zeros or all the same.
void collect_from(const CollectRow<float>& row, int planes, const Asked& asked);
void collect_from(const CollectRow<double>& row, int planes, const Asked& asked);

}  // namespace napari_colorize::upsampling
