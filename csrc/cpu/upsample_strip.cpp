#include "cpu/upsample_strip.h"

#include "cpu/wide_vector.h"
#include "math/bilateral_gradients.h"

#include <algorithm>

namespace napari_colorize::upsampling {

// A row of the strip and the small rows it sees: finds 1 / Σw and, of Planes > 0, the pull on its guide.
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

static void look_at(const LookRow<float>& row, bool to_guide) {
  if (!to_guide) {
    look_norm(row);
  } else {
    row.planes == 1 ? look_single(row) : look_pair(row);
  }
}

static void collect_from(const CollectRow<float>& row, int planes, const Asked& asked) {
  if (!asked.small) {
    planes == 1 ? collect_chroma_1(row) : collect_chroma_2(row);
  } else if (!asked.chroma) {
    planes == 1 ? collect_small_1(row) : collect_small_2(row);
  } else {
    planes == 1 ? collect_both_1(row) : collect_both_2(row);
  }
}

// Double precision is for checking: nothing is left out.
static void look_at(const LookRow<double>& row, bool) {
  row.planes == 1 ? look_row<double, double, 1>(row) : look_row<double, double, 2>(row);
}

static void collect_from(const CollectRow<double>& row, int planes, const Asked&) {
  planes == 1 ? collect_row<double, double, 1, true, true>(row)
              : collect_row<double, double, 2, true, true>(row);
}

template <class Scalar>
void RowTable<Scalar>::fill(const Axis<Scalar>& rows, int64_t taps, int64_t from, int64_t to) {
  top = from;
  bottom = to;
  first = rows.index[top];
  last = rows.index[(taps - 1) * rows.size + bottom - 1];
  const int64_t count = last - first + 1;
  weight.assign(count * kTileRows, Scalar(0));
  begin.assign(count, kTileRows);
  end.assign(count, 0);
  for (int64_t k = 0; k < taps; ++k) {
    for (int64_t y = top; y < bottom; ++y) {
      const Scalar seen = rows.weight[k * rows.size + y];
      if (seen > Scalar(0)) {
        const int64_t row = rows.index[k * rows.size + y] - first;
        const int at = static_cast<int>(y - top);
        weight[row * kTileRows + at] = seen;
        begin[row] = std::min(begin[row], at);
        end[row] = std::max(end[row], at + 1);
      }
    }
  }
}

template <class Scalar>
void Strip<Scalar>::load_small(const Plan<Scalar>& plan, const RowTable<Scalar>& rows,
                               const SmallImage<Scalar>& small, int64_t left, int count) {
  const auto& columns = plan.columns;
  const int64_t step = (1 + small.planes) * kStrip;
  column_.assign(plan.taps * 2 * kStrip, Scalar(0));
  small_.assign((rows.last - rows.first + 1) * plan.taps * step, Scalar(0));
  for (int64_t k = 0; k < plan.taps; ++k) {
    const int64_t from = k * columns.size + left;
    Scalar* exponent = column_.data() + 2 * k * kStrip;
    for (int x = 0; x < count; ++x) {
      exponent[x] = columns.exponent[from + x];
      exponent[kStrip + x] = columns.weight[from + x] * static_cast<Scalar>(kRangeFloor);
    }
  }
  Scalar* to = small_.data();
  for (int64_t row = rows.first; row <= rows.last; ++row) {
    for (int64_t k = 0; k < plan.taps; ++k, to += step) {
      const int64_t* column = columns.index.data() + k * columns.size + left;
      for (int x = 0; x < count; ++x) {
        const int64_t from = row * small.width + column[x];
        to[x] = small.guide[from] * plan.guide_scale;
        for (int c = 0; c < small.planes; ++c) {
          to[(1 + c) * kStrip + x] = small.chroma[c][from];
        }
      }
    }
  }
}

template <class Scalar>
void Strip<Scalar>::load_full(const Plan<Scalar>& plan, const RowTable<Scalar>& rows,
                              const FullImage<Scalar>& full, int planes, int64_t width,
                              int64_t left, int count) {
  const int64_t step = (1 + 2 * planes) * kStrip;
  full_.assign((rows.bottom - rows.top) * step, Scalar(0));
  Scalar* to = full_.data();
  for (int64_t y = rows.top; y < rows.bottom; ++y, to += step) {
    const int64_t from = y * width + left;
    for (int x = 0; x < count; ++x) {
      to[x] = full.guide[from + x] * plan.guide_scale;
    }
    for (int c = 0; c < planes; ++c) {
      std::copy_n(full.gradient[c] + from, count, to + (1 + c) * kStrip);
      std::copy_n(full.out[c] + from, count, to + (1 + planes + c) * kStrip);
    }
  }
}

// Leaves the gradients divided by their pixel's sum of weights.
template <class Scalar>
void Strip<Scalar>::look(const Plan<Scalar>& plan, const RowTable<Scalar>& rows,
                         const FullImage<Scalar>& full, int planes, int64_t width, int64_t left,
                         int count, Scalar slope) {
  const Scalar* small_rows[kMostTaps];
  Scalar row_weight[kMostTaps], reciprocal[kStrip], pull[kStrip];
  Scalar* pixel = full_.data();
  for (int64_t y = rows.top; y < rows.bottom; ++y, pixel += (1 + 2 * planes) * kStrip) {
    int used = 0;
    for (int64_t k = 0; k < plan.taps; ++k) {
      const int64_t at = k * plan.rows.size + y;
      if (plan.rows.weight[at] > Scalar(0)) {
        const int64_t row = plan.rows.index[at] - rows.first;
        small_rows[used] = small_.data() + row * plan.taps * (1 + planes) * kStrip;
        row_weight[used++] = plan.rows.weight[at];
      }
    }
    look_at({small_rows, row_weight, used, static_cast<int>(plan.taps), column_.data(), pixel,
             planes, reciprocal, pull},
            full.to_guide != nullptr);
    for (int i = 0; i < planes * kStrip; ++i) {
      pixel[kStrip + i] *= reciprocal[i % kStrip];
    }
    for (int x = 0; x < count && full.to_guide != nullptr; ++x) {
      Scalar& sum = full.to_guide[y * width + left + x];
      sum = (full.add ? sum : Scalar(0)) + pull[x] * slope;
    }
  }
}

// Adds neighbours that belong to one column of the small image together first.
template <class Scalar>
static void add_columns(const int64_t* column, int count, const Scalar* sums, Scalar* to) {
  for (int x = 0; x < count;) {
    const int64_t at = column[x];
    Scalar sum = 0;
    for (; x < count && column[x] == at; ++x) {
      sum += sums[x];
    }
    to[at] += sum;
  }
}

template <class Scalar>
void Strip<Scalar>::collect(const Plan<Scalar>& plan, const RowTable<Scalar>& rows, int planes,
                            int64_t left, int count, const Asked& asked,
                            const SmallSums<Scalar>& sums) {
  Scalar found[kMostTaps * (1 + kPlanes) * kStrip];
  const int64_t step = (1 + planes) * kStrip;
  for (int64_t row = rows.first; row <= rows.last; ++row) {
    const int begin = rows.begin[row - rows.first], end = rows.end[row - rows.first];
    if (begin >= end) {
      continue;
    }
    collect_from({small_.data() + (row - rows.first) * plan.taps * step, column_.data(),
                  static_cast<int>(plan.taps), full_.data() + begin * (1 + 2 * planes) * kStrip,
                  rows.weight.data() + (row - rows.first) * kTileRows + begin, end - begin, found},
                 planes, asked);
    for (int channel = 0; channel <= planes; ++channel) {
      if (sums.channel[channel] == nullptr) {
        continue;
      }
      Scalar* to = sums.channel[channel] + (row - sums.first_row) * sums.width;
      for (int64_t k = 0; k < plan.taps; ++k) {
        add_columns(plan.columns.index.data() + k * plan.columns.size + left, count,
                    found + k * step + channel * kStrip, to);
      }
    }
  }
}

template <class Scalar>
void Strip<Scalar>::differentiate(const Plan<Scalar>& plan, const RowTable<Scalar>& rows,
                                  const SmallImage<Scalar>& small, const FullImage<Scalar>& full,
                                  int64_t width, int64_t left, int count, Scalar slope,
                                  const Asked& asked, const SmallSums<Scalar>& sums) {
  load_small(plan, rows, small, left, count);
  load_full(plan, rows, full, small.planes, width, left, count);
  look(plan, rows, full, small.planes, width, left, count, slope);
  if (asked.chroma || asked.small) {
    collect(plan, rows, small.planes, left, count, asked, sums);
  }
}

template struct RowTable<float>;
template struct RowTable<double>;
template class Strip<float>;
template class Strip<double>;

}  // namespace napari_colorize::upsampling
