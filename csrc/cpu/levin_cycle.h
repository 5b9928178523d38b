// A cycle over the levels of Levin's system: what a residual is the trace of, approximately, for all
// planes of chroma at once. Rows and bands are the threads' shares, sums are taken row by row: the
// result does not depend on how many threads there are.
#pragma once

#include "cpu/levin_levels.h"

namespace napari_colorize::levin {

class Cycle {
 public:
  // `stop`, asked now and then, may be null; once it is true, what comes out is of no use.
  Cycle(const std::vector<Level>& levels, int64_t planes, const volatile bool* stop);

  // change(0) ≈ system⁻¹ · right(0); both of the finest level, margins zero. What is in spare() is lost.
  void run() { descend(0); }

  Plane<float>& right() { return grids_[0].right; }
  Plane<float>& change() { return grids_[0].change; }
  Plane<float>& spare() { return grids_[0].spare; }
  bool stopped() const { return stop_ != nullptr && *stop_; }

 private:
  struct Grid {
    Plane<float> right, change, spare, total;
  };

  const std::vector<Level>& levels_;
  std::vector<Grid> grids_;
  const volatile bool* stop_;

  void descend(size_t l);
  void improve(size_t l);
};

}  // namespace napari_colorize::levin
