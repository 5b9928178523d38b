// The rows that Levin's system itself is made of, in the precision of the colours: its weights, its
// products, and what a step along a direction changes.
#pragma once

#include "cpu/levin_levels.h"

namespace napari_colorize::levin {

// Luma and what is inside of three rows, and the weights of the middle one.
template <class Scalar>
struct WeightRow {
  const Scalar* luma;
  const uint8_t* inside;
  int64_t pitch, width;
  Scalar* weight[kLevinNeighbours];
  Scalar* sum;
};

// `out` = weights · (x − its neighbours).
template <class Scalar>
struct ProductRow {
  const Scalar* weight[kLevinNeighbours];
  const Scalar* x;
  Scalar* out;
  int64_t width, pitch;
};

// What decides how much of a new direction is taken: sums over a row, in the paper's normalisation.
struct Sums {
  double own = 0, with_last = 0, with_right = 0, last_with_right = 0;

  Sums& operator+=(const Sums& other) {
    own += other.own;
    with_last += other.with_last;
    with_right += other.with_right;
    last_with_right += other.last_with_right;
    return *this;
  }
};

template <class Scalar>
struct SumRow {
  const Scalar *product, *last, *right, *scale;
  int64_t width;
};

// One row of a step: along' = along − overlap · before, and chroma and residual follow it.
template <class Scalar>
struct StepRow {
  Scalar *along, *product;
  const Scalar *before, *product_before;
  Scalar *chroma, *right;
  Scalar overlap, share;
  int64_t width;
};

void run(const WeightRow<float>& row);
void run(const WeightRow<double>& row);
void run(const ProductRow<float>& row);
void run(const ProductRow<double>& row);
Sums run(const SumRow<float>& row);
Sums run(const SumRow<double>& row);
float run(const StepRow<float>& row);  // the largest change of chroma
double run(const StepRow<double>& row);

}  // namespace napari_colorize::levin
