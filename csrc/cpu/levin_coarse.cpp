// A level's coarse system: restriction times system times interpolation, a row at a time.
#include "cpu/levin_levels.h"

#include "cpu/multiversion.h"

#include <cmath>
#include <limits>
#include <utility>

namespace napari_colorize::levin {

// The product of a level's system with the interpolation to it: for each cell of four fine pixels, what
// each takes from the coarse pixels around, as many numbers as kTerms says.
constexpr int kTerms = 25;

// Where the numbers of a fine pixel begin, by its parities; its coarse pixels go from `kLow` to 1.
template <int Py, int Px>
struct Part {
  static constexpr int kLowRow = Py ? 0 : -1, kLowColumn = Px ? 0 : -1;
  static constexpr int kColumns = 2 - kLowColumn;
  static constexpr int kBegin = Py ? (Px ? 21 : 15) : (Px ? 9 : 0);
  static constexpr int at(int v, int u) {
    return kBegin + (v - kLowRow) * kColumns + (u - kLowColumn);
  }
};

struct ProductRow {
  LevelRow level[2];             // of the cells' upper and lower fine row
  const Share* way[3][kWays];     // interpolation of the row of cells above, here, below
  const uint8_t* coarse[3];      // 1 at coarse pixels that are free
  float *term[kTerms], *diagonal[4];
  int64_t count;
};

namespace {

// Adds `value` times the interpolation to the fine pixel (Y, X), counted from the cell's first.
template <int Py, int Px, int Y, int X>
NC_HD void add_fine(const ProductRow& row, int64_t j, float value, float* term) {
  using P = Part<Py, Px>;
  constexpr int v = Y < 0 ? (Y - 1) / 2 : Y / 2, u = X < 0 ? (X - 1) / 2 : X / 2;
  constexpr bool below = Y & 1, beside = X & 1;
  const Share* const* way = row.way[v + 1];
  const int64_t at = j + u;
  if constexpr (!below && !beside) {
    term[P::at(v, u)] += value * static_cast<float>(row.coarse[v + 1][at]);
  } else if constexpr (!below) {
    term[P::at(v, u)] += value * wide_share(way[kLeft][at]);
    term[P::at(v, u + 1)] += value * wide_share(way[kRight][at]);
  } else if constexpr (!beside) {
    term[P::at(v, u)] += value * wide_share(way[kUp][at]);
    term[P::at(v + 1, u)] += value * wide_share(way[kDown][at]);
  } else {
    term[P::at(v, u)] += value * wide_share(way[kFirstCorner][at]);
    term[P::at(v, u + 1)] += value * wide_share(way[kFirstCorner + 1][at]);
    term[P::at(v + 1, u)] += value * wide_share(way[kFirstCorner + 2][at]);
    term[P::at(v + 1, u + 1)] += value * wide_share(way[kFirstCorner + 3][at]);
  }
}

template <int Py, int Px, int... S>
NC_HD void fine_product(const ProductRow& row, int64_t j, float* term,
                        std::integer_sequence<int, S...>) {
  const LevelRow& level = row.level[Py];
  const int64_t x = 2 * j + Px;
  const float k[kLevinNeighbours] = {wide(level.connection[S][x])...};
  float diagonal = level.pull[x];
  diagonal += (k[S] + ...);
  add_fine<Py, Px, Py, Px>(row, j, diagonal, term);
  (add_fine<Py, Px, Py + kRowOf[S], Px + kColumnOf[S]>(row, j, -k[S], term), ...);
  row.diagonal[2 * Py + Px][j] = diagonal;
}

}  // namespace

NC_MULTIVERSION void product_row(const ProductRow& row) {
  NC_INDEPENDENT
  for (int64_t j = 0; j < row.count; ++j) {
    float term[kTerms] = {};
    constexpr auto all = std::make_integer_sequence<int, kLevinNeighbours>();
    fine_product<0, 0>(row, j, term, all);
    fine_product<0, 1>(row, j, term, all);
    fine_product<1, 0>(row, j, term, all);
    fine_product<1, 1>(row, j, term, all);
    for (int t = 0; t < kTerms; ++t) {
      row.term[t][j] = term[t];
    }
  }
}

// One row of the coarse system: the restriction of two rows of cells' products.
struct CoarseRow {
  const float *term[2][kTerms], *diagonal[2][4];  // of the row of cells above, and here
  const Share* way[2][kWays];
  uint8_t* free;
  Half* connection[kLevinNeighbours];
  float* pull;
  int64_t count;
};

namespace {

// Adds the share `weight` of a fine pixel in the cell `V` rows and `U` columns away.
template <int V, int U, int Py, int Px, int... T>
NC_HD void add_share(const CoarseRow& row, int64_t j, float weight, float (&sum)[9], float& size,
                     std::integer_sequence<int, T...>) {
  using P = Part<Py, Px>;
  constexpr int c = P::kColumns;
  ((sum[(P::kLowRow + T / c + V + 1) * 3 + P::kLowColumn + T % c + U + 1] +=
    weight * row.term[V + 1][P::kBegin + T][j + U]),
   ...);
  size += weight * std::abs(row.diagonal[V + 1][2 * Py + Px][j + U]);
}

template <int V, int U, int Py, int Px>
NC_HD void add_part(const CoarseRow& row, int64_t j, float weight, float (&sum)[9], float& size) {
  constexpr int rows = Py ? 2 : 3, columns = Px ? 2 : 3;
  add_share<V, U, Py, Px>(row, j, weight, sum, size,
                          std::make_integer_sequence<int, rows * columns>());
}

}  // namespace

NC_MULTIVERSION void coarse_row(const CoarseRow& row) {
  NC_INDEPENDENT
  for (int64_t j = 0; j < row.count; ++j) {
    float sum[9] = {}, size = 0;
    const auto weight = [&](int v, int w, int64_t at) { return wide_share(row.way[v + 1][w][at]); };
    add_part<0, 0, 0, 0>(row, j, 1.0f, sum, size);
    add_part<0, 0, 0, 1>(row, j, weight(0, kLeft, j), sum, size);
    add_part<0, -1, 0, 1>(row, j, weight(0, kRight, j - 1), sum, size);
    add_part<0, 0, 1, 0>(row, j, weight(0, kUp, j), sum, size);
    add_part<-1, 0, 1, 0>(row, j, weight(-1, kDown, j), sum, size);
    add_part<0, 0, 1, 1>(row, j, weight(0, kFirstCorner, j), sum, size);
    add_part<0, -1, 1, 1>(row, j, weight(0, kFirstCorner + 1, j - 1), sum, size);
    add_part<-1, 0, 1, 1>(row, j, weight(-1, kFirstCorner + 2, j), sum, size);
    add_part<-1, -1, 1, 1>(row, j, weight(-1, kFirstCorner + 3, j - 1), sum, size);
    // What is left of a pixel that others take all from is rounding: it stays out.
    const float rounding = 64 * std::numeric_limits<float>::epsilon();
    const float matters = row.free[j] != 0 && sum[4] > size * rounding ? 1.0f : 0.0f;
    float pull = 0;
    for (int t = 0; t < 9; ++t) {
      pull += sum[t];
    }
    for (int s = 0; s < kLevinNeighbours; ++s) {
      row.connection[s][j] = narrow(-matters * sum[s < 4 ? s : s + 1]);
    }
    row.pull[j] = matters * positive(pull);
    row.free[j] = matters != 0 ? 1 : 0;
  }
}

namespace {

// The products of one row of cells.
struct Products {
  std::vector<float> values;
  float *term[kTerms], *diagonal[4];

  explicit Products(int64_t columns) : values((kTerms + 4) * (columns + 4)) {
    float* next = values.data() + 2;
    for (int t = 0; t < kTerms; ++t, next += columns + 4) {
      term[t] = next;
    }
    for (int t = 0; t < 4; ++t, next += columns + 4) {
      diagonal[t] = next;
    }
  }

  void set(const Level& fine, const Level& coarse, int64_t i) {
    ProductRow row{{level_row(fine, 2 * i), level_row(fine, 2 * i + 1)}, {}, {}, {}, {},
                   coarse.width};
    for (int v = 0; v < 3; ++v) {
      for (int w = 0; w < kWays; ++w) {
        row.way[v][w] = fine.ways.row(i + v - 1, kToFine + w);
      }
      row.coarse[v] = coarse.free.row(i + v - 1);
    }
    std::copy_n(term, kTerms, row.term);
    std::copy_n(diagonal, 4, row.diagonal);
    product_row(row);
  }
};

}  // namespace

void set_coarse(const Level& fine, Level& coarse) {
  for (int64_t i = 0; i < coarse.height; ++i) {
    for (int64_t j = 0; j < coarse.width; ++j) {
      coarse.free.row(i)[j] = fine.free.row(2 * i)[2 * j];
    }
  }
  Plane<uint8_t> matters(coarse.height, coarse.width);
  for_rows(coarse.height, 4 * coarse.width, [&](int64_t begin, int64_t end) {
    Products above(coarse.width), here(coarse.width);
    if (begin > 0) {
      here.set(fine, coarse, begin - 1);
    }
    for (int64_t i = begin; i < end; ++i) {
      std::swap(above.values, here.values);
      std::swap(above.term, here.term);
      std::swap(above.diagonal, here.diagonal);
      here.set(fine, coarse, i);
      CoarseRow row{{}, {}, {}, matters.row(i), {}, coarse.pull.row(i), coarse.width};
      std::copy_n(coarse.free.row(i), coarse.width, row.free);
      for (int v = 0; v < 2; ++v) {
        std::copy_n((v ? here : above).term, kTerms, row.term[v]);
        std::copy_n((v ? here : above).diagonal, 4, row.diagonal[v]);
        for (int w = 0; w < kWays; ++w) {
          row.way[v][w] = fine.ways.row(i + v - 1, kToCoarse + w);
        }
      }
      for (int s = 0; s < kLevinNeighbours; ++s) {
        row.connection[s] = coarse.connection.row(i, s);
      }
      coarse_row(row);
    }
  });
  coarse.free = std::move(matters);
}

}  // namespace napari_colorize::levin
