#include "cpu/bilateral_gradient_rows.h"

#include "cpu/wide_vector.h"
#include "math/bilateral_gradients.h"

namespace napari_colorize::bilateral {

template <class Float, class Scalar>
NC_HD void sum_weights(const NormRow<Scalar>& row) {
  constexpr int kTogether = 2, kWidth = kLanes<Float, Scalar>;
  for (int x = 0; x < row.columns; x += kTogether * kWidth) {
    Float centre[kTogether], norm[kTogether]{};
    for (int u = 0; u < kTogether; ++u) {
      centre[u] = load_vector<Float>(row.guide + x + u * kWidth);
    }
    for (const Tap<Scalar>* tap = row.taps.first; tap != row.taps.last; ++tap) {
      for (int u = 0; u < kTogether; ++u) {
        const Scalar* there = row.guide + x + tap->offset + u * kWidth;
        norm[u] += filter_weight(load_vector<Float>(there) - centre[u], tap->exponent);
      }
    }
    for (int u = 0; u < kTogether; ++u) {
      store_vector(row.reciprocal + x + u * kWidth, Scalar(1) / norm[u]);
    }
  }
}

template <class Float, class Scalar, int Planes, bool ToGuide>
NC_HD FilterPixel<Float, Planes> load_pixel(const GradientRow<Scalar>& row, int64_t at) {
  FilterPixel<Float, Planes> pixel;
  pixel.guide = load_vector<Float>(row.guide + at);
  for (int c = 0; c < Planes; ++c) {
    pixel.scaled[c] = load_vector<Float>(row.scaled[c] + at);
  }
  if constexpr (ToGuide) {
    for (int c = 0; c < Planes; ++c) {
      pixel.chroma[c] = load_vector<Float>(row.chroma[c] + at);
    }
    pixel.own = load_vector<Float>(row.own + at);
  }
  return pixel;
}

template <class Float, class Scalar, int Planes, bool ToChroma, bool ToGuide>
NC_HD void collect_row(const GradientRow<Scalar>& row) {
  constexpr int kWidth = kLanes<Float, Scalar>;
  constexpr int kTogether = kWidth == 8 ? 1 : 2;  // vectors that registers can hold
  for (int x = 0; x < row.columns; x += kTogether * kWidth) {
    FilterPixel<Float, Planes> here[kTogether];
    FilterGradient<Float, Planes> gradient[kTogether]{};
    for (int u = 0; u < kTogether; ++u) {
      here[u] = load_pixel<Float, Scalar, Planes, ToGuide>(row, x + u * kWidth);
    }
    for (const Tap<Scalar>* tap = row.taps.first; tap != row.taps.last; ++tap) {
      for (int u = 0; u < kTogether; ++u) {
        const auto there =
            load_pixel<Float, Scalar, Planes, ToGuide>(row, x + u * kWidth + tap->offset);
        add_neighbour<ToChroma, ToGuide>(here[u], there, tap->exponent, gradient[u]);
      }
    }
    for (int u = 0; u < kTogether; ++u) {
      for (int c = 0; ToChroma && c < Planes; ++c) {
        store_vector(row.to_chroma[c] + x + u * kWidth, gradient[u].chroma[c]);
      }
      if (ToGuide) {
        store_vector(row.to_guide + x + u * kWidth, gradient[u].guide);
      }
    }
  }
}

// Which gradients are asked for decides what is loaded and summed; one version each.
#define NC_COLLECT(name, planes, to_chroma, to_guide) \
  NC_VECTOR_VERSIONS(name, GradientRow<float>,        \
                     collect_row<Vector, float, planes, to_chroma, to_guide>(argument))
NC_COLLECT(collect_chroma_1, 1, true, false)
NC_COLLECT(collect_chroma_2, 2, true, false)
NC_COLLECT(collect_guide_1, 1, false, true)
NC_COLLECT(collect_guide_2, 2, false, true)
NC_COLLECT(collect_both_1, 1, true, true)
NC_COLLECT(collect_both_2, 2, true, true)
#undef NC_COLLECT

NC_VECTOR_VERSIONS(sum_weights_float, NormRow<float>, sum_weights<Vector, float>(argument))

void find_reciprocals(const NormRow<float>& row) { sum_weights_float(row); }

void find_reciprocals(const NormRow<double>& row) { sum_weights<double, double>(row); }

void collect(const GradientRow<float>& row, int planes, bool to_chroma, bool to_guide) {
  if (!to_guide) {
    planes == 1 ? collect_chroma_1(row) : collect_chroma_2(row);
  } else if (!to_chroma) {
    planes == 1 ? collect_guide_1(row) : collect_guide_2(row);
  } else {
    planes == 1 ? collect_both_1(row) : collect_both_2(row);
  }
}

// Double precision is for checking: nothing is left out.
void collect(const GradientRow<double>& row, int planes, bool, bool) {
  planes == 1 ? collect_row<double, double, 1, true, true>(row)
              : collect_row<double, double, 2, true, true>(row);
}

}  // namespace napari_colorize::bilateral
