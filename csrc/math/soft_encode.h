// Soft encoding of one colour over its nearest ab bins (Zhang, Isola, Efros, ECCV 2016, section 2.1):
// weight_k ∝ exp(−|ab − bin_k|² / 2σ²), normalised over the K nearest; ab and σ in Lab units.
//
// Two ways to the same answer. Away from the edge of the set the five nearest points of a square
// lattice have a closed form (encode_nearest_five), branch-free, with two exponentials. It declines
// at the edge and where two distances are too near to order in single precision; encode_scan
// handles everything. Equally near bins rank by number, the lower first.
#pragma once

#include "math/bins.h"
#include "math/exponential.h"
#include "math/platform.h"

namespace napari_colorize {

// From this σ on, the closed form's quotient of exponentials stays well inside float's range.
constexpr float kClosedFormSigma = 2.0f;

struct NearestFive {
  int index[5];     // nearest first
  float weight[5];  // sum 1
  int valid;        // 1, or 0 where encode_scan must be asked
};

// The constants that depend on σ only.
struct ClosedForm {
  float scale;    // log2(e) / 2σ²
  float product;  // 2^(−200 scale): the product of two opposite neighbours' weights
};

NC_HD ClosedForm closed_form(float sigma) {
  const float scale = static_cast<float>(kLog2E) / (2.0f * sigma * sigma);
  return {scale, exp2_nonpositive(-200.0f * scale)};
}

// With (u, v) the offset from the nearest point, |u|, |v| ≤ 5, and distances² less the nearest's:
// the neighbours towards the colour have 100 − 20|u| and 100 − 20|v|, the diagonal between them has
// their sum, those on the far side 100 + 20|u| and 100 + 20|v|. The nearest point, the two towards
// the colour, and the best two of the other three are the five.
NC_HD NearestFive encode_nearest_five(float a, float b, ClosedForm form) {
  constexpr float tie = 1e-3f;
  constexpr float most = kRowReach - 1;  // rows and columns beyond are empty
  const float row = ceilf(a * 0.1f - 0.5f);
  const float column = ceilf(b * 0.1f - 0.5f);
  const float du = a - 10.0f * row;
  const float dv = b - 10.0f * column;
  const float u = fabsf(du);
  const float v = fabsf(dv);
  const bool near_set = (fabsf(row) <= most) & (fabsf(column) <= most);  // false for NaN
  // Whatever the conversion makes of a huge number is masked out. A mask, not `? :`, because the
  // compiler would split the loop over the constant and then cannot vectorise it.
  const int keep = -static_cast<int>(near_set);
  const int i = static_cast<int>(row) & keep;
  const int j = static_cast<int>(column) & keep;
  const bool down = du < 0.0f;
  const int step_j = dv < 0.0f ? -1 : 1;

  const int above = packed_row(i + 1);
  const int below = packed_row(i - 1);
  const BinRow here = bin_row(i);
  const BinRow near = unpack_row(down ? below : above);
  const BinRow far = unpack_row(down ? above : below);
  const int centre = here.base + j;
  const int along_a = near.base + j;
  const int along_b = centre + step_j;

  const float weight_a = exp2_nonpositive((20.0f * u - 100.0f) * form.scale);
  const float weight_b = exp2_nonpositive((20.0f * v - 100.0f) * form.scale);
  const bool a_first = u > v;
  const float larger = a_first ? u : v;
  const float smaller = a_first ? v : u;
  const float weight_1 = a_first ? weight_a : weight_b;
  const float weight_2 = a_first ? weight_b : weight_a;
  const int index_1 = a_first ? along_a : along_b;
  const int index_2 = a_first ? along_b : along_a;

  const float diagonal = 200.0f - 20.0f * (u + v);
  const float back = 100.0f + 20.0f * smaller;  // behind the centre on the axis of less offset
  const float rear = 100.0f + 20.0f * larger;   // and on the other
  const int behind_a = far.base + j;
  const int behind_b = centre - step_j;
  const int index_diagonal = along_a + step_j;
  const int index_back = a_first ? behind_b : behind_a;
  const int index_rear = a_first ? behind_a : behind_b;
  const float weight_diagonal = weight_a * weight_b;
  const float weight_back = form.product / weight_2;
  const float weight_rear = form.product / weight_1;

  const bool diagonal_third = diagonal < back;
  const bool diagonal_kept = diagonal < rear;
  const int index_3 = diagonal_third ? index_diagonal : index_back;
  const float weight_3 = diagonal_third ? weight_diagonal : weight_back;
  const int index_4 =
      diagonal_third ? index_back : (diagonal_kept ? index_diagonal : index_rear);
  const float weight_4 =
      diagonal_third ? weight_back : (diagonal_kept ? weight_diagonal : weight_rear);
  const float norm = 1.0f / (1.0f + weight_1 + weight_2 + weight_3 + weight_4);

  const int diagonal_j = j + step_j;
  const bool inside = (here.low < j) & (j < here.high) & (near.low <= j) & (j <= near.high) &
                      (far.low <= j) & (j <= far.high) & (near.low <= diagonal_j) &
                      (diagonal_j <= near.high);
  const bool ordered = (smaller > tie) & (larger - smaller > tie) & (larger < 5.0f - tie) &
                       (fabsf(diagonal - back) > tie) & (fabsf(diagonal - rear) > tie);
  return {{centre, index_1, index_2, index_3, index_4},
          {norm, weight_1 * norm, weight_2 * norm, weight_3 * norm, weight_4 * norm},
          (near_set & inside & ordered) ? 1 : 0};
}

// (distance² − |ab|²) / 20 of bin (i, j). A float times a small integer is exact in double, so
// fusing or not fusing the multiply-adds gives the same order everywhere, ties included.
NC_HD double lattice_score(int i, int j, double a, double b) {
  return (5.0 * (i * i + j * j) - a * i) - b * j;
}

// Insert a bin into the `count` best so far (at most `limit` are kept), ordered by score, then number.
NC_HD int insert_bin(double score, int bin, double* scores, int* bins, int count, int limit) {
  const auto before = [&](int k) {
    return score < scores[k] || (score == scores[k] && bin < bins[k]);
  };
  if (count == limit) {
    if (!before(limit - 1)) {
      return count;
    }
  } else {
    ++count;
  }
  int k = count - 1;
  for (; k > 0 && before(k - 1); --k) {
    scores[k] = scores[k - 1];
    bins[k] = bins[k - 1];
  }
  scores[k] = score;
  bins[k] = bin;
  return count;
}

// The K nearest of all bins; index and weight are written `stride` elements apart. A colour that is
// not finite gets bins 0 … K − 1 with weight NaN.
NC_HD void encode_scan(float a, float b, int neighbours, float sigma, int64_t* index,
                       float* weight, int64_t stride) {
  if (!(fabsf(a) <= 3.4e38f && fabsf(b) <= 3.4e38f)) {
    for (int k = 0; k < neighbours; ++k) {
      index[k * stride] = k;
      weight[k * stride] = NAN;
    }
    return;
  }
  double scores[kBinCount];
  int bins[kBinCount];
  int count = 0;
  const auto clamped = [](double x, int low, int high) {
    return static_cast<int>(x < low ? low : (x > high ? high : x));
  };
  const int start = clamped(rint(a * 0.1), kFirstRow, kLastRow);
  for (int d = 0; d <= 2 * (kLastRow - kFirstRow) + 1; ++d) {  // rows outwards from the nearest
    const int i = start + ((d & 1) ? (d + 1) / 2 : -d / 2);
    if (i < kFirstRow || i > kLastRow) {
      continue;
    }
    const BinRow row = bin_row(i);
    const int nearest = clamped(rint(b * 0.1), row.low, row.high);
    const int low = nearest - neighbours > row.low ? nearest - neighbours : row.low;
    const int high = nearest + neighbours < row.high ? nearest + neighbours : row.high;
    const double best = lattice_score(i, nearest, a, b);
    if (count == neighbours && best > scores[count - 1]) {
      continue;
    }
    for (int j = low; j <= high; ++j) {
      count = insert_bin(lattice_score(i, j, a, b), row.base + j, scores, bins, count, neighbours);
    }
  }
  const double scale = 10.0 * kLog2E / (static_cast<double>(sigma) * sigma);
  float sum = 0.0f;
  for (int k = 0; k < neighbours; ++k) {
    index[k * stride] = bins[k];
    const float w = exp2_nonpositive(static_cast<float>((scores[0] - scores[k]) * scale));
    weight[k * stride] = w;
    sum += w;
  }
  for (int k = 0; k < neighbours; ++k) {
    weight[k * stride] /= sum;
  }
}

}  // namespace napari_colorize
