// One row of a tile of the joint bilateral filter's gradients; formulas in math/bilateral_gradients.h.
#pragma once

#include "cpu/bilateral_tiles.h"

namespace napari_colorize::bilateral {

// A row of the tile while its sums of weights are found; pointers as in GradientRow.
template <class Scalar>
struct NormRow {
  const Scalar* guide;
  Scalar* reciprocal;
  int columns;
  TapRange<Scalar> taps;
};

// The same while gradients are collected: to the first pixel inside the buffers, and to results of
// kTileColumns.
template <class Scalar>
struct GradientRow {
  const Scalar* guide;
  const Scalar *scaled[kPlanes], *chroma[kPlanes], *own;
  Scalar *to_chroma[kPlanes], *to_guide;
  int columns;
  TapRange<Scalar> taps;
};

void find_reciprocals(const NormRow<float>& row);
void find_reciprocals(const NormRow<double>& row);

// Of `planes` planes, one or two; what is not asked for is left as it is or filled all the same.
void collect(const GradientRow<float>& row, int planes, bool to_chroma, bool to_guide);
void collect(const GradientRow<double>& row, int planes, bool to_chroma, bool to_guide);

}  // namespace napari_colorize::bilateral
