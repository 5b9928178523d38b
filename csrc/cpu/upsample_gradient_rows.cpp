#include "cpu/upsample_gradient_rows.h"

#include "cpu/wide_vector.h"
#include "math/bilateral_gradients.h"

namespace napari_colorize::upsampling {

template <class Float, class Scalar, int Planes>
NC_HD void look_row(const LookRow<Scalar>& row) {
  const int step_small = (1 + row.planes) * kStrip;
  for (int x = 0; x < kStrip; x += kLanes<Float, Scalar>) {
    const Float centre = load_vector<Float>(row.pixel + x);
    Float gradient[Planes + 1], out[Planes + 1], norm{}, pull{};
    for (int c = 0; c < Planes; ++c) {
      gradient[c] = load_vector<Float>(row.pixel + (1 + c) * kStrip + x);
      out[c] = load_vector<Float>(row.pixel + (1 + Planes + c) * kStrip + x);
    }
    for (int ky = 0; ky < row.rows; ++ky) {
      const Scalar* small = row.small_rows[ky] + x;
      const Scalar* column = row.column + x;
      Float row_norm{}, row_pull{};
      for (int kx = 0; kx < row.columns; ++kx, small += step_small, column += 2 * kStrip) {
        const Float step = load_vector<Float>(small) - centre;
        const Float weight = filter_weight(step, load_vector<Float>(column));
        row_norm += weight + load_vector<Float>(column + kStrip);
        if constexpr (Planes > 0) {
          Float chroma[Planes];
          for (int c = 0; c < Planes; ++c) {
            chroma[c] = load_vector<Float>(small + (1 + c) * kStrip);
          }
          row_pull += weight * step * weight_pull<Planes>(gradient, out, chroma);
        }
      }
      norm += row_norm * row.row_weight[ky];
      pull += row_pull * row.row_weight[ky];
    }
    const Float reciprocal = Scalar(1) / norm;
    store_vector(row.reciprocal + x, reciprocal);
    store_vector(row.pull + x, pull * reciprocal);
  }
}

template <class Float, class Scalar, int Planes, bool ToChroma, bool ToSmall>
NC_HD void collect_row(const CollectRow<Scalar>& row) {
  for (int kx = 0; kx < row.columns; ++kx) {
    const Scalar* small = row.small + kx * (1 + Planes) * kStrip;
    const Scalar* column = row.column + kx * 2 * kStrip;
    Scalar* sums = row.sums + kx * (1 + Planes) * kStrip;
    for (int x = 0; x < kStrip; x += kLanes<Float, Scalar>) {
      const Float guide = load_vector<Float>(small + x);
      const Float exponent = load_vector<Float>(column + x);
      const Float least = load_vector<Float>(column + kStrip + x);
      Float chroma[Planes], to_chroma[Planes]{}, to_small{};
      for (int c = 0; c < Planes; ++c) {
        chroma[c] = load_vector<Float>(small + (1 + c) * kStrip + x);
      }
      const Scalar* pixel = row.pixels + x;
      for (int y = 0; y < row.rows; ++y, pixel += (1 + 2 * Planes) * kStrip) {
        const Float step = guide - load_vector<Float>(pixel);
        const Float weight = filter_weight(step, exponent);
        Float scaled[Planes], out[Planes];
        for (int c = 0; c < Planes; ++c) {
          scaled[c] = load_vector<Float>(pixel + (1 + c) * kStrip);
          out[c] = load_vector<Float>(pixel + (1 + Planes + c) * kStrip);
        }
        if constexpr (ToChroma) {
          const Float whole = (weight + least) * row.row_weight[y];
          for (int c = 0; c < Planes; ++c) {
            to_chroma[c] += whole * scaled[c];
          }
        }
        if constexpr (ToSmall) {
          to_small += weight * step * row.row_weight[y] * weight_pull<Planes>(scaled, out, chroma);
        }
      }
      store_vector(sums + x, to_small);
      for (int c = 0; c < Planes; ++c) {
        store_vector(sums + (1 + c) * kStrip + x, to_chroma[c]);
      }
    }
  }
}

NC_VECTOR_VERSIONS(look_norm, LookRow<float>, look_row<Vector, float, 0>(argument))
NC_VECTOR_VERSIONS(look_single, LookRow<float>, look_row<Vector, float, 1>(argument))
NC_VECTOR_VERSIONS(look_pair, LookRow<float>, look_row<Vector, float, 2>(argument))

#define NC_COLLECT(name, planes, to_chroma, to_small) \
  NC_VECTOR_VERSIONS(name, CollectRow<float>,         \
                     collect_row<Vector, float, planes, to_chroma, to_small>(argument))
NC_COLLECT(collect_chroma_1, 1, true, false)
NC_COLLECT(collect_chroma_2, 2, true, false)
NC_COLLECT(collect_small_1, 1, false, true)
NC_COLLECT(collect_small_2, 2, false, true)
NC_COLLECT(collect_both_1, 1, true, true)
NC_COLLECT(collect_both_2, 2, true, true)
#undef NC_COLLECT

void look_at(const LookRow<float>& row, bool to_guide) {
  if (!to_guide) {
    look_norm(row);
  } else {
    row.planes == 1 ? look_single(row) : look_pair(row);
  }
}

void collect_from(const CollectRow<float>& row, int planes, const Asked& asked) {
  if (!asked.small) {
    planes == 1 ? collect_chroma_1(row) : collect_chroma_2(row);
  } else if (!asked.chroma) {
    planes == 1 ? collect_small_1(row) : collect_small_2(row);
  } else {
    planes == 1 ? collect_both_1(row) : collect_both_2(row);
  }
}

// Double precision is for checking: nothing is left out.
void look_at(const LookRow<double>& row, bool) {
  row.planes == 1 ? look_row<double, double, 1>(row) : look_row<double, double, 2>(row);
}

void collect_from(const CollectRow<double>& row, int planes, const Asked&) {
  planes == 1 ? collect_row<double, double, 1, true, true>(row)
              : collect_row<double, double, 2, true, true>(row);
}

}  // namespace napari_colorize::upsampling
