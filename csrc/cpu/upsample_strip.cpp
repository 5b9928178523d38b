#include "cpu/upsample_strip.h"

#include "cpu/upsample_gradient_rows.h"
#include "math/bilateral.h"

#include <algorithm>

namespace napari_colorize::upsampling {

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
