#include "cpu/upsample.h"

#include "cpu/wide_vector.h"
#include "math/bilateral.h"

#include <algorithm>
#include <cmath>

namespace napari_colorize::upsampling {

template <class Scalar>
Axis<Scalar>::Axis(int64_t start, int64_t size, int64_t full, int64_t small, int64_t taps,
                   double sigma_space)
    : size(size), index(taps * size), exponent(taps * size), weight(taps * size) {
  const double unit = space_exponent(1.0, sigma_space);
  for (int64_t i = 0; i < size; ++i) {
    const double position = small_position(start + i, small, full);
    const int64_t first = static_cast<int64_t>(std::floor(position)) + 1 - taps / 2;
    for (int64_t k = 0; k < taps; ++k) {
      index[k * size + i] = std::clamp<int64_t>(first + k, 0, small - 1);
      const double power = axis_exponent(position, first + k, small, taps / 2, unit);
      exponent[k * size + i] = static_cast<Scalar>(power);
      weight[k * size + i] = static_cast<Scalar>(exp2(-power));
    }
  }
}

template <class Scalar>
Plan<Scalar>::Plan(int64_t rows, int64_t columns, const Piece& piece, int64_t small_height,
                   int64_t small_width, int64_t radius, double sigma_space, double sigma_range)
    : taps(2 * radius), rows(piece.top, rows, piece.height, small_height, taps, sigma_space),
      columns(piece.left, columns, piece.width, small_width, taps, sigma_space),
      guide_scale(static_cast<Scalar>(napari_colorize::guide_scale(sigma_range))) {}

// What the inner loop needs of one row: small rows and their weights, the tile's columns, the guide.
template <class Scalar>
struct RowTaps {
  const Scalar* const* small_rows;
  const Scalar* row_weight;
  int rows;
  int columns;
  const Scalar* column;
  const Scalar* guide;
  Scalar* const* out;
  int count;
};

// The weight of a small row is common to its taps: their sums are multiplied by it, not they.
template <class Float, class Scalar, int Planes>
NC_HD void weigh_row(const RowTaps<Scalar>& taps) {
  constexpr int kStep = (1 + Planes) * kRun;  // from tap to tap
  constexpr int kTogether = kLanes<Float, Scalar> == 16 ? 2 : 1;  // vectors that registers can hold
  constexpr int kWidth = kLanes<Float, Scalar>;
  static_assert(kRun % (kTogether * kWidth) == 0);
  for (int x = 0; x < taps.count; x += kTogether * kWidth) {
    Float centre[kTogether], norm[kTogether]{}, total[Planes][kTogether]{};
    for (int u = 0; u < kTogether; ++u) {
      centre[u] = load_vector<Float>(taps.guide + x + u * kWidth);
    }
    for (int ky = 0; ky < taps.rows; ++ky) {
      const Scalar* small = taps.small_rows[ky] + x;
      const Scalar* column = taps.column + x;
      Float row_norm[kTogether]{}, row_total[Planes][kTogether]{};
      for (int kx = 0; kx < taps.columns; ++kx, small += kStep, column += 2 * kRun) {
        for (int u = 0; u < kTogether; ++u) {
          const int at = u * kWidth;
          const Float step = load_vector<Float>(small + at) - centre[u];
          const Float weight = upsample_weight(step, load_vector<Float>(column + at),
                                               load_vector<Float>(column + kRun + at));
          row_norm[u] += weight;
          for (int c = 0; c < Planes; ++c) {
            row_total[c][u] += weight * load_vector<Float>(small + (c + 1) * kRun + at);
          }
        }
      }
      for (int u = 0; u < kTogether; ++u) {
        norm[u] += row_norm[u] * taps.row_weight[ky];
        for (int c = 0; c < Planes; ++c) {
          total[c][u] += row_total[c][u] * taps.row_weight[ky];
        }
      }
    }
    for (int u = 0; u < kTogether; ++u) {
      for (int c = 0; c < Planes; ++c) {
        store_vector(taps.out[c] + x + u * kWidth, total[c][u] / norm[u]);
      }
    }
  }
}

NC_VECTOR_VERSIONS(weigh_single, RowTaps<float>, weigh_row<Vector, float, 1>(argument))
NC_VECTOR_VERSIONS(weigh_pair, RowTaps<float>, weigh_row<Vector, float, 2>(argument))

static void weigh(const RowTaps<float>& taps, int planes) {
  planes == 1 ? weigh_single(taps) : weigh_pair(taps);
}

static void weigh(const RowTaps<double>& taps, int planes) {
  planes == 1 ? weigh_row<double, double, 1>(taps) : weigh_row<double, double, 2>(taps);
}

template <class Scalar>
void Tile<Scalar>::expand(const Plan<Scalar>& plan, const SmallImage<Scalar>& image, int64_t top,
                          int64_t bottom, int64_t left, int count) {
  const auto& rows = plan.rows;
  const auto& columns = plan.columns;
  first_row_ = rows.index[top];
  const int64_t last_row = rows.index[(plan.taps - 1) * rows.size + bottom - 1];
  const int64_t step = (1 + image.planes) * kRun;
  planes_ = image.planes;
  count_ = count;
  expanded_.resize((last_row - first_row_ + 1) * plan.taps * step / kLine);
  column_.resize(plan.taps * 2 * kRun / kLine);
  for (int64_t k = 0; k < plan.taps; ++k) {
    const int64_t from = k * columns.size + left;
    Scalar* exponent = column_.data()->value + 2 * k * kRun;
    for (int x = 0; x < count; ++x) {
      exponent[x] = columns.exponent[from + x];
      exponent[kRun + x] = columns.weight[from + x] * static_cast<Scalar>(kRangeFloor);
    }
  }
  Scalar* to = expanded_.data()->value;
  for (int64_t row = first_row_; row <= last_row; ++row) {
    for (int64_t k = 0; k < plan.taps; ++k, to += step) {
      const int64_t* column = columns.index.data() + k * columns.size + left;
      const int64_t from = row * image.width;
      for (int x = 0; x < count; ++x) {
        to[x] = image.guide[from + column[x]] * plan.guide_scale;
      }
      for (int c = 0; c < image.planes; ++c) {
        for (int x = 0; x < count; ++x) {
          to[(c + 1) * kRun + x] = image.chroma[c][from + column[x]];
        }
      }
    }
  }
}

template <class Scalar>
void Tile<Scalar>::upsample_row(const Plan<Scalar>& plan, int64_t y, Scalar* lightness,
                                Scalar* const* out) const {
  constexpr int kMostTaps = 128;
  const Scalar* small_rows[kMostTaps];
  Scalar row_weight[kMostTaps];
  int used = 0;
  const int64_t step = plan.taps * (1 + planes_) * kRun;
  for (int64_t k = 0; k < plan.taps; ++k) {
    const Scalar weight = plan.rows.weight[k * plan.rows.size + y];
    if (weight > Scalar(0)) {
      const int64_t row = plan.rows.index[k * plan.rows.size + y] - first_row_;
      small_rows[used] = expanded_.data()->value + row * step;
      row_weight[used++] = weight;
    }
  }
  for (int x = 0; x < count_; ++x) {
    lightness[x] *= plan.guide_scale;
  }
  std::fill(lightness + count_, lightness + kRun, Scalar(0));
  weigh({small_rows, row_weight, used, static_cast<int>(plan.taps), column_.data()->value,
         lightness, out, count_},
        planes_);
}

template struct Axis<float>;
template struct Axis<double>;
template struct Plan<float>;
template struct Plan<double>;
template class Tile<float>;
template class Tile<double>;

}  // namespace napari_colorize::upsampling
