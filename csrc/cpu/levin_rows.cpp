#include "cpu/levin_rows.h"

#include "cpu/multiversion.h"

#include <numeric>

namespace napari_colorize::levin {

namespace {

template <class Scalar>
NC_HD void weigh_row(const WeightRow<Scalar>& row) {
  NC_INDEPENDENT
  for (int64_t x = 0; x < row.width; ++x) {
    Scalar step[kLevinNeighbours], inside[kLevinNeighbours], weight[kLevinNeighbours], sum = 0;
    const Scalar here = row.inside[x];
    for (int s = 0; s < kLevinNeighbours; ++s) {
      const int64_t there = x + kRowOf[s] * row.pitch + kColumnOf[s];
      step[s] = row.luma[there] - row.luma[x];
      inside[s] = row.inside[there];
    }
    levin_weights(step, inside, weight);
    for (int s = 0; s < kLevinNeighbours; ++s) {
      row.weight[s][x] = weight[s] * here;
      sum += weight[s] * here;
    }
    row.sum[x] = sum;
  }
}

template <class Scalar>
NC_HD void multiply_row(const ProductRow<Scalar>& row) {
  NC_INDEPENDENT
  for (int64_t i = 0; i < row.width; ++i) {
    const Scalar here = row.x[i];
    Scalar total = 0;
    for (int s = 0; s < kLevinNeighbours; ++s) {
      total += row.weight[s][i] * (here - row.x[i + kRowOf[s] * row.pitch + kColumnOf[s]]);
    }
    row.out[i] = total;
  }
}

template <class Scalar>
NC_HD Sums sum_row(const SumRow<Scalar>& row) {
  constexpr int lanes = 8;
  Scalar sums[4][lanes] = {};
  const auto add = [&](int64_t i, int lane) {
    const Scalar scale = row.scale[i];
    const Scalar q = scale * row.product[i], p = scale * row.last[i], r = scale * row.right[i];
    sums[0][lane] += q * q;
    sums[1][lane] += q * p;
    sums[2][lane] += q * r;
    sums[3][lane] += p * r;
  };
  int64_t i = 0;
  for (; i + lanes <= row.width; i += lanes) {
    for (int lane = 0; lane < lanes; ++lane) {
      add(i + lane, lane);
    }
  }
  for (; i < row.width; ++i) {
    add(i, 0);
  }
  const auto total = [&](int k) { return std::accumulate(sums[k], sums[k] + lanes, 0.0); };
  return {total(0), total(1), total(2), total(3)};
}

template <class Scalar>
NC_HD Scalar step_row(const StepRow<Scalar>& row) {
  constexpr int lanes = 8;
  Scalar most[lanes] = {};
  const auto step = [&](int64_t i, int lane) {
    const Scalar along = row.along[i] - row.overlap * row.before[i];
    const Scalar product = row.product[i] - row.overlap * row.product_before[i];
    row.along[i] = along;
    row.product[i] = product;
    const Scalar change = row.share * along;
    row.chroma[i] += change;
    row.right[i] -= row.share * product;
    const Scalar size = change < 0 ? -change : change;
    most[lane] = size > most[lane] ? size : most[lane];
  };
  int64_t i = 0;
  for (; i + lanes <= row.width; i += lanes) {
    NC_INDEPENDENT
    for (int lane = 0; lane < lanes; ++lane) {
      step(i + lane, lane);
    }
  }
  for (; i < row.width; ++i) {
    step(i, 0);
  }
  return *std::max_element(most, most + lanes);
}

}  // namespace

NC_MULTIVERSION void weigh_row_float(const WeightRow<float>& row) { weigh_row(row); }

NC_MULTIVERSION void multiply_row_float(const ProductRow<float>& row) { multiply_row(row); }

NC_MULTIVERSION void sum_row_float(const SumRow<float>& row, Sums* sums) { *sums = sum_row(row); }

NC_MULTIVERSION void step_row_float(const StepRow<float>& row, float* most) {
  *most = step_row(row);
}

void run(const WeightRow<float>& row) { weigh_row_float(row); }

void run(const WeightRow<double>& row) { weigh_row(row); }

void run(const ProductRow<float>& row) { multiply_row_float(row); }

void run(const ProductRow<double>& row) { multiply_row(row); }

Sums run(const SumRow<float>& row) {
  Sums sums;
  sum_row_float(row, &sums);
  return sums;
}

Sums run(const SumRow<double>& row) { return sum_row(row); }

float run(const StepRow<float>& row) {
  float most;
  step_row_float(row, &most);
  return most;
}

double run(const StepRow<double>& row) { return step_row(row); }

}  // namespace napari_colorize::levin
