// Solves Levin's system for the planes of an image, a thread each: directions from cycles over its levels, of which each
// takes what leaves the least residual. The system itself is worked out from luma wherever it is needed;
// that costs no more than to read its eight weights a pixel.
#pragma once

#include <cstdint>

namespace napari_colorize::levin {

// An image of one plane of luma, of which `fixed` pixels are held; `walls` and `certainty` may be null.
template <class Scalar>
struct Image {
  const Scalar* luma;
  const bool *fixed, *walls;
  const Scalar* certainty;
  int64_t height, width;
};

// When to stop.
struct Patience {
  double tolerance;           // largest change still to come, in units of the chroma
  int64_t cycles;             // at most
  const volatile bool* stop;  // set by another thread; may be null
};

// `chroma` (planes, height, width) holds the fixed pixels' values and a start for the others, and is
// overwritten by the solution; `prior` may be null. Writes the largest change of each plane that is
// still to be expected.
template <class Scalar>
void solve(const Image<Scalar>& image, const Scalar* prior, int64_t planes, Scalar* chroma,
           const Patience& patience, double* remaining);

}  // namespace napari_colorize::levin
