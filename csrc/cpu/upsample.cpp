#include "cpu/upsample.h"

#include "cpu/multiversion.h"
#include "cpu/vector.h"
#include "math/bilateral.h"

#include <algorithm>
#include <cmath>

namespace napari_colorize::upsampling {

template <class Scalar>
Axis<Scalar>::Axis(int64_t size, int64_t small, int64_t taps, double sigma_space)
    : size(size), index(taps * size), weight(taps * size) {
  for (int64_t i = 0; i < size; ++i) {
    const double position = small_position(i, small, size);
    const int64_t first = static_cast<int64_t>(std::floor(position)) + 1 - taps / 2;
    for (int64_t k = 0; k < taps; ++k) {
      index[k * size + i] = std::clamp<int64_t>(first + k, 0, small - 1);
      weight[k * size + i] =
          static_cast<Scalar>(axis_weight(position, first + k, small, taps / 2, sigma_space));
    }
  }
}

template <class Scalar>
Plan<Scalar>::Plan(int64_t height, int64_t width, int64_t small_height, int64_t small_width,
                   int64_t radius, double sigma_space, double sigma_range)
    : taps(2 * radius), rows(height, small_height, 2 * radius, sigma_space),
      columns(width, small_width, 2 * radius, sigma_space),
      guide_scale(static_cast<Scalar>(napari_colorize::guide_scale(sigma_range))) {}

// What the inner loop needs of one row: small rows and their weights, and the tile's column weights.
template <class Scalar>
struct RowTaps {
  const Scalar* const* small_rows;
  const Scalar* row_weight;
  int rows;
  int columns;
  const Scalar* column_weight;
  int count;
};

template <class Float, class Scalar, int Width, int Planes>
NC_HD void weigh_row(const RowTaps<Scalar>& taps, const Scalar* guide, Scalar* const* out) {
  constexpr int kStep = (1 + Planes) * kRun;  // from tap to tap
  for (int x = 0; x < taps.count; x += Width) {
    const Float centre = load_vector<Float>(guide + x);
    Float norm{}, total[Planes]{};
    for (int ky = 0; ky < taps.rows; ++ky) {
      const Scalar* small = taps.small_rows[ky] + x;
      const Scalar row_weight = taps.row_weight[ky];
      for (int kx = 0; kx < taps.columns; ++kx, small += kStep) {
        const Float space = load_vector<Float>(taps.column_weight + kx * kRun + x) * row_weight;
        const Float step = load_vector<Float>(small) - centre;
        const Float weight = upsample_weight<Float, Scalar>(step, space);
        norm += weight;
        for (int c = 0; c < Planes; ++c) {
          total[c] += weight * load_vector<Float>(small + (c + 1) * kRun);
        }
      }
    }
    for (int c = 0; c < Planes; ++c) {
      store_vector(out[c] + x, total[c] / norm);
    }
  }
}

NC_MULTIVERSION void weigh_single(const RowTaps<float>& taps, const float* guide,
                                  float* const* out) {
  weigh_row<FloatVector, float, kVectorWidth, 1>(taps, guide, out);
}

NC_MULTIVERSION void weigh_pair(const RowTaps<float>& taps, const float* guide,
                                float* const* out) {
  weigh_row<FloatVector, float, kVectorWidth, 2>(taps, guide, out);
}

static void weigh(const RowTaps<float>& taps, int planes, const float* guide, float* const* out) {
  planes == 1 ? weigh_single(taps, guide, out) : weigh_pair(taps, guide, out);
}

static void weigh(const RowTaps<double>& taps, int planes, const double* guide,
                  double* const* out) {
  planes == 1 ? weigh_row<double, double, 1, 1>(taps, guide, out)
              : weigh_row<double, double, 1, 2>(taps, guide, out);
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
  // Zeros beyond `count` are computed with, a vector at a time, and thrown away.
  expanded_.assign((last_row - first_row_ + 1) * plan.taps * step, Scalar(0));
  column_weight_.assign(plan.taps * kRun, Scalar(1));
  for (int64_t k = 0; k < plan.taps; ++k) {
    std::copy_n(columns.weight.data() + k * columns.size + left, count,
                column_weight_.data() + k * kRun);
  }
  Scalar* to = expanded_.data();
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
      small_rows[used] = expanded_.data() + row * step;
      row_weight[used++] = weight;
    }
  }
  for (int x = 0; x < count_; ++x) {
    lightness[x] *= plan.guide_scale;
  }
  std::fill(lightness + count_, lightness + kRun, Scalar(0));
  weigh({small_rows, row_weight, used, static_cast<int>(plan.taps), column_weight_.data(), count_},
        planes_, lightness, out);
}

template struct Axis<float>;
template struct Axis<double>;
template struct Plan<float>;
template struct Plan<double>;
template class Tile<float>;
template class Tile<double>;

}  // namespace napari_colorize::upsampling
