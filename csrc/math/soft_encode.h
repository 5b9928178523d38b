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

// From this σ on, the closed form's products of exponentials stay well inside float's range.
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
// the colour, and the best two of the other three are the five. Weights are taken times the product
// of the two neighbours', so that the far sides need no division.
NC_HD NearestFive encode_nearest_five(float a, float b, ClosedForm form) {
  constexpr float tie = 1e-3f;
  const float row = ceilf(a * 0.1f - 0.5f);
  const float column = ceilf(b * 0.1f - 0.5f);
  const float du = a - 10.0f * row;
  const float dv = b - 10.0f * column;
  const float u = fabsf(du);
  const float v = fabsf(dv);
  const bool near_set =
      (fabsf(row) <= kSurroundingReach) & (fabsf(column) <= kSurroundingReach);  // false for NaN
  // Whatever the conversion makes of a huge number is masked out. A mask, not `? :`, because the
  // compiler would split the loop over the constant and then cannot vectorise it.
  const int keep = -static_cast<int>(near_set);
  const int around =
      surroundings_of_bin(static_cast<int>(row) & keep, static_cast<int>(column) & keep);
  const bool down = du < 0.0f;
  const bool left = dv < 0.0f;
  const int centre = (around >> 5) & 511;
  const int below = -((around >> 14) & 63);
  const int above = (around >> 20) & 63;
  const int step_a = down ? below : above;
  const int back_a = down ? above : below;
  const int step_b = left ? -1 : 1;

  const bool a_first = u > v;
  const float larger = a_first ? u : v;
  const float smaller = a_first ? v : u;
  const int step_1 = a_first ? step_a : step_b;
  const int step_2 = a_first ? step_b : step_a;
  const int back_1 = a_first ? back_a : -step_b;
  const int back_2 = a_first ? -step_b : back_a;

  const float weight_1 = exp2_nonpositive((20.0f * larger - 100.0f) * form.scale);
  const float weight_2 = exp2_nonpositive((20.0f * smaller - 100.0f) * form.scale);
  const float both = weight_1 * weight_2;
  const float weight_diagonal = both * both;
  const float weight_back = form.product * weight_1;  // behind the centre on the axis of less offset
  const float weight_rear = form.product * weight_2;  // and on the other

  const float diagonal = 200.0f - 20.0f * (u + v);
  const float back = 100.0f + 20.0f * smaller;
  const float rear = 100.0f + 20.0f * larger;
  const bool diagonal_third = diagonal < back;
  const bool diagonal_kept = diagonal < rear;
  const int diagonal_step = step_a + step_b;
  const int step_3 = diagonal_third ? diagonal_step : back_2;
  const float weight_3 = diagonal_third ? weight_diagonal : weight_back;
  const int step_4 = diagonal_third ? back_2 : (diagonal_kept ? diagonal_step : back_1);
  const float weight_4 =
      diagonal_third ? weight_back : (diagonal_kept ? weight_diagonal : weight_rear);
  const float sum = both + both * (weight_1 + weight_2) + (weight_3 + weight_4);
  const float norm = 1.0f / sum;
  const float share = both * norm;

  const int corner = 1 + (down ? 0 : 2) + (left ? 0 : 1);
  const int inside = around & (around >> corner) & 1;
  const bool ordered = (smaller > tie) & (larger - smaller > tie) & (larger < 5.0f - tie) &
                       (fabsf(diagonal - back) > tie) & (fabsf(diagonal - rear) > tie);
  return {{centre, centre + step_1, centre + step_2, centre + step_3, centre + step_4},
          {share, weight_1 * share, weight_2 * share, weight_3 * norm, weight_4 * norm},
          (near_set & ordered) ? inside : 0};
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
  int too_far = 0;  // rows in succession, on both sides of the nearest, that even an unbounded one is
  for (int d = 0; d <= 2 * (kLastRow - kFirstRow) + 1 && too_far < 2; ++d) {
    const int i = start + ((d & 1) ? (d + 1) / 2 : -d / 2);
    const double least = lattice_score(i, 0, a, b) - 0.05 * b * b;
    const double rounding = 1e-12 * (5.0 * i * i + fabs(a * i) + 0.05 * b * b);
    too_far = count == neighbours && least - rounding > scores[count - 1] ? too_far + 1 : 0;
    if (too_far > 0 || i < kFirstRow || i > kLastRow) {
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
