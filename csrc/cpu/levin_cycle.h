// Solves Levin's system for one plane of chroma: cycles over the levels, each improved by the direction
// before. One thread a plane, so that the result does not depend on how many there are.
#pragma once

#include "cpu/levin_levels.h"

namespace napari_colorize::levin {

// When to stop.
struct Patience {
  double tolerance;  // largest change still to come, in units of the chroma
  int64_t cycles;    // at most
};

// `chroma` (height, width) holds the fixed pixels' values and a start for the others, and is overwritten
// by the solution; `prior` may be null. Returns the largest change that is still to be expected.
template <class Scalar>
double solve(const std::vector<Level<Scalar>>& levels, const Scalar* prior, Scalar* chroma,
             const Patience& patience);

}  // namespace napari_colorize::levin
