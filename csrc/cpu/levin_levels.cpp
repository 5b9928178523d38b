#include "cpu/levin_levels.h"

#include "cpu/multiversion.h"
#include "torch_stable.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace napari_colorize::levin {

namespace {

constexpr int64_t kRows = 16;  // of a thread's share

template <class Function>
void for_rows(int64_t rows, const Function& function) {
  torch::stable::parallel_for(0, rows, kRows, [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y) {
      function(y);
    }
  });
}

// Luma and what is inside of three rows, and the connections of the middle one.
template <class Scalar>
struct WeightRows {
  const Scalar* luma;
  const Scalar* inside;
  int64_t pitch, width;
  Scalar* connection[kLevinNeighbours];
};

template <class Scalar>
NC_HD void weigh_row(const WeightRows<Scalar>& row) {
  NC_INDEPENDENT
  for (int64_t x = 0; x < row.width; ++x) {
    Scalar step[kLevinNeighbours], inside[kLevinNeighbours], weight[kLevinNeighbours];
    for (int i = 0; i < kLevinNeighbours; ++i) {
      const int64_t there = x + kRowOf[i] * row.pitch + kColumnOf[i];
      step[i] = row.luma[there] - row.luma[x];
      inside[i] = row.inside[there];
    }
    levin_weights(step, inside, weight);
    for (int i = 0; i < kLevinNeighbours; ++i) {
      row.connection[i][x] = weight[i] * row.inside[x];
    }
  }
}

}  // namespace

NC_MULTIVERSION void weigh_row_float(const WeightRows<float>& row) { weigh_row(row); }

namespace {

void weigh(const WeightRows<float>& row) { weigh_row_float(row); }

void weigh(const WeightRows<double>& row) { weigh_row(row); }

template <class Scalar>
void set_weights(Level<Scalar>& level, const Scalar* luma, const bool* fixed, const bool* walls,
                 const Scalar* certainty) {
  const int64_t height = level.height, width = level.width;
  Plane<Scalar> shade(height, width), inside(height, width);
  level.scale = Plane<Scalar>(height, width);
  for_rows(height, [&](int64_t y) {
    std::copy_n(luma + y * width, width, shade.row(y));
    for (int64_t x = 0; x < width; ++x) {
      inside.row(y)[x] = walls != nullptr && walls[y * width + x] ? 0 : 1;
    }
  });
  for_rows(height, [&](int64_t y) {
    WeightRows<Scalar> row{shade.row(y), inside.row(y), shade.pitch, width, {}};
    for (int i = 0; i < kLevinNeighbours; ++i) {
      row.connection[i] = level.connection[i].row(y);
    }
    weigh(row);
    for (int64_t x = 0; x < width; ++x) {
      Scalar sum = 0;
      for (int i = 0; i < kLevinNeighbours; ++i) {
        sum += level.connection[i].row(y)[x];
      }
      const bool is_free = !fixed[y * width + x] && sum > 0;
      level.free.row(y)[x] = is_free ? 1 : 0;
      level.scale.row(y)[x] = is_free ? 1 / sum : 0;
      level.pull.row(y)[x] =
          is_free && certainty != nullptr ? certainty[y * width + x] * sum : Scalar(0);
      for (int i = 0; i < kLevinNeighbours && !is_free; ++i) {
        level.connection[i].row(y)[x] = 0;
      }
    }
  });
}

template <class Scalar>
Scalar reciprocal(Scalar value) {
  return value > Scalar(1e-30) ? 1 / value : 0;
}

// Incomplete factors that keep the rows' connections and change the diagonal alone (Meijerink and van
// der Vorst 1977, their simplest variant): exact along chains of pixels, whichever way they wind. Only
// the positive connections are in them: with others, substitution could grow without bound.
template <class Scalar>
void set_factors(Level<Scalar>& level) {
  for (int64_t y = 0; y < level.height; ++y) {
    for (int64_t x = 0; x < level.width; ++x) {
      Scalar sum = level.pull.row(y)[x], taken = 0;
      for (int i = 0; i < kLevinNeighbours; ++i) {
        const Scalar here = std::max(level.connection[i].row(y)[x], Scalar(0));
        sum += here;
        if (i < 4) {
          const int64_t v = y + kRowOf[i], u = x + kColumnOf[i];
          const Scalar back = std::max(level.connection[7 - i].row(v)[u], Scalar(0));
          taken += here * back * level.factor.row(v)[u];
        }
      }
      const Scalar diagonal = std::max(sum - taken, sum * Scalar(1e-3));
      level.factor.row(y)[x] = level.free.row(y)[x] != 0 ? reciprocal(diagonal) : 0;
    }
  }
}

// What a pixel and its neighbours take from each other, fixed neighbours counted to the pull.
template <class Scalar>
struct Exchange {
  Scalar takes[kLevinNeighbours], gives[kLevinNeighbours], pull;
};

template <class Scalar>
Exchange<Scalar> exchange(const Level<Scalar>& level, int64_t y, int64_t x) {
  Exchange<Scalar> of;
  of.pull = std::max(level.pull.row(y)[x], Scalar(0));
  for (int i = 0; i < kLevinNeighbours; ++i) {
    const int64_t v = y + kRowOf[i], u = x + kColumnOf[i];
    const Scalar free = level.free.row(v)[u];
    const Scalar taken = std::max(level.connection[i].row(y)[x], Scalar(0));
    of.takes[i] = taken * free;
    of.pull += taken * (1 - free);
    of.gives[i] = std::max(level.connection[7 - i].row(v)[u], Scalar(0)) * level.free.row(y)[x];
  }
  return of;
}

// Weights to the two coarse pixels beside a fine one: the stencil is collapsed onto the line.
template <class Scalar>
void set_line(const Level<Scalar>& level, int64_t y, int64_t x, bool along_row, Scalar* in[2],
              Scalar* out[2]) {
  if (level.free.row(y)[x] == 0) {
    return;
  }
  constexpr int before[2][3] = {{0, 1, 2}, {0, 3, 5}}, after[2][3] = {{5, 6, 7}, {2, 4, 7}};
  const Exchange<Scalar> of = exchange(level, y, x);
  Scalar takes[2] = {0, 0}, gives[2] = {0, 0};
  for (int j = 0; j < 3; ++j) {
    takes[0] += of.takes[before[along_row][j]];
    takes[1] += of.takes[after[along_row][j]];
    gives[0] += of.gives[before[along_row][j]];
    gives[1] += of.gives[after[along_row][j]];
  }
  const Scalar all = takes[0] + takes[1] + of.pull;
  const Scalar into = reciprocal(all), from = reciprocal(std::max(all, gives[0] + gives[1]));
  for (int side = 0; side < 2; ++side) {
    *in[side] = takes[side] * into;
    *out[side] = gives[side] * from;
  }
}

// Weights to the four corners: directly, and through the four pixels between them.
template <class Scalar>
void mix_corners(Corners<Scalar>& corners, int64_t i, int64_t j, const Scalar* k, Scalar scale) {
  using C = Corners<Scalar>;
  const auto at = [&](int which, int64_t v, int64_t u) { return corners.weight[which].row(v)[u]; };
  Scalar* mixed[4];
  for (int c = 0; c < 4; ++c) {
    mixed[c] = corners.weight[C::kFirstCorner + c].row(i) + j;
  }
  *mixed[0] = scale * (k[0] + k[1] * at(C::kLeft, i, j) + k[3] * at(C::kUp, i, j));
  *mixed[1] = scale * (k[2] + k[1] * at(C::kRight, i, j) + k[4] * at(C::kUp, i, j + 1));
  *mixed[2] = scale * (k[5] + k[3] * at(C::kDown, i, j) + k[6] * at(C::kLeft, i + 1, j));
  *mixed[3] = scale * (k[7] + k[4] * at(C::kDown, i, j + 1) + k[6] * at(C::kRight, i + 1, j));
}

template <class Scalar>
void set_corners(Level<Scalar>& level) {
  using C = Corners<Scalar>;
  const int64_t rows = (level.height + 1) / 2, columns = (level.width + 1) / 2;
  for (int w = 0; w < C::kCount; ++w) {
    level.to_fine.weight[w] = Plane<Scalar>(rows, columns);
    level.to_coarse.weight[w] = Plane<Scalar>(rows, columns);
  }
  for_rows(rows, [&](int64_t i) {
    for (int64_t j = 0; j < columns; ++j) {
      for (const bool along_row : {true, false}) {
        const int64_t y = 2 * i + !along_row, x = 2 * j + along_row;
        if (y < level.height && x < level.width) {
          const int w = along_row ? C::kLeft : C::kUp;
          Scalar* in[2] = {level.to_fine.weight[w].row(i) + j,
                           level.to_fine.weight[w + 1].row(i) + j};
          Scalar* out[2] = {level.to_coarse.weight[w].row(i) + j,
                            level.to_coarse.weight[w + 1].row(i) + j};
          set_line(level, y, x, along_row, in, out);
        }
      }
    }
  });
  for_rows(level.height / 2, [&](int64_t i) {
    for (int64_t j = 0; 2 * j + 1 < level.width; ++j) {
      if (level.free.row(2 * i + 1)[2 * j + 1] == 0) {
        continue;
      }
      const Exchange<Scalar> of = exchange(level, 2 * i + 1, 2 * j + 1);
      Scalar takes = of.pull, gives = 0;
      for (int s = 0; s < kLevinNeighbours; ++s) {
        takes += of.takes[s];
        gives += of.gives[s];
      }
      mix_corners(level.to_fine, i, j, of.takes, reciprocal(takes));
      mix_corners(level.to_coarse, i, j, of.gives, reciprocal(std::max(takes, gives)));
    }
  });
}

// The weights of the fine pixel at (2I + dy, 2J + dx) to the coarse pixels around (I, J), each handed to
// function(row, column, weight) with rows and columns counted from (I, J).
template <class Scalar, class Function>
void for_corners(const Corners<Scalar>& corners, int64_t i, int64_t j, int dy, int dx,
                 const Function& function) {
  using C = Corners<Scalar>;
  const int cell_y = dy < 0 ? (dy - 1) / 2 : dy / 2, cell_x = dx < 0 ? (dx - 1) / 2 : dx / 2;
  const int64_t v = i + cell_y, u = j + cell_x;
  const auto at = [&](int w) { return corners.weight[w].row(v)[u]; };
  const bool below = dy & 1, beside = dx & 1;
  if (!below && !beside) {
    function(cell_y, cell_x, Scalar(1));
  } else if (!below) {
    function(cell_y, cell_x, at(C::kLeft));
    function(cell_y, cell_x + 1, at(C::kRight));
  } else if (!beside) {
    function(cell_y, cell_x, at(C::kUp));
    function(cell_y + 1, cell_x, at(C::kDown));
  } else {
    for (int c = 0; c < 4; ++c) {
      function(cell_y + (c >> 1), cell_x + (c & 1), at(C::kFirstCorner + c));
    }
  }
}

// One row of the coarse system: restriction times system, over 5 × 5 fine pixels, times interpolation.
template <class Scalar>
void set_coarse_row(const Level<Scalar>& fine, Level<Scalar>& coarse, int64_t i, int64_t j) {
  Scalar product[5][5] = {}, size = 0;
  for (int dy = -1; dy <= 1; ++dy) {
    for (int dx = -1; dx <= 1; ++dx) {
      const int64_t y = 2 * i + dy, x = 2 * j + dx;
      if (y < 0 || x < 0 || y >= fine.height || x >= fine.width || fine.free.row(y)[x] == 0) {
        continue;
      }
      Scalar weight = 0;
      for_corners(fine.to_coarse, i, j, dy, dx, [&](int v, int u, Scalar w) {
        weight += v == 0 && u == 0 ? w : 0;
      });
      Scalar diagonal = fine.pull.row(y)[x];
      for (int s = 0; s < kLevinNeighbours; ++s) {
        const Scalar k = fine.connection[s].row(y)[x];
        diagonal += k;
        product[dy + 2 + kRowOf[s]][dx + 2 + kColumnOf[s]] -=
            weight * k * fine.free.row(y + kRowOf[s])[x + kColumnOf[s]];
      }
      product[dy + 2][dx + 2] += weight * diagonal;
      size += weight * std::abs(diagonal);
    }
  }
  Scalar row[3][3] = {};
  for (int dy = -2; dy <= 2; ++dy) {
    for (int dx = -2; dx <= 2; ++dx) {
      const Scalar value = product[dy + 2][dx + 2];
      if (value != 0) {
        for_corners(fine.to_fine, i, j, dy, dx, [&](int v, int u, Scalar w) {
          row[v + 1][u + 1] += value * w;
        });
      }
    }
  }
  Scalar pull = row[1][1];
  for (int s = 0; s < kLevinNeighbours; ++s) {
    pull += row[1 + kRowOf[s]][1 + kColumnOf[s]];
  }
  // What is left of a pixel that others take all from is rounding: it stays out.
  const bool matters = row[1][1] > size * 64 * std::numeric_limits<Scalar>::epsilon();
  for (int s = 0; s < kLevinNeighbours && matters; ++s) {
    coarse.connection[s].row(i)[j] = -row[1 + kRowOf[s]][1 + kColumnOf[s]];
  }
  coarse.pull.row(i)[j] = matters ? std::max(pull, Scalar(0)) : 0;
  coarse.free.row(i)[j] = matters ? 1 : 0;
}

template <class Scalar>
void set_coarse(const Level<Scalar>& fine, Level<Scalar>& coarse) {
  for_rows(coarse.height, [&](int64_t i) {
    for (int64_t j = 0; j < coarse.width; ++j) {
      if (fine.free.row(2 * i)[2 * j] != 0) {
        set_coarse_row(fine, coarse, i, j);
      }
    }
  });
}

}  // namespace

template <class Scalar>
Level<Scalar>::Level(int64_t rows, int64_t columns)
    : height(rows), width(columns), pull(rows, columns), factor(rows, columns),
      free(rows, columns) {
  for (auto& plane : connection) {
    plane = Plane<Scalar>(rows, columns);
  }
}

template <class Scalar>
std::vector<Level<Scalar>> make_levels(const Scalar* luma, const bool* fixed, const bool* walls,
                                       const Scalar* certainty, int64_t height, int64_t width) {
  std::vector<Level<Scalar>> levels;
  levels.emplace_back(height, width);
  set_weights(levels[0], luma, fixed, walls, certainty);
  while (levels.back().height * levels.back().width > 1) {
    Level<Scalar>& fine = levels.back();
    set_factors(fine);
    set_corners(fine);
    Level<Scalar> coarse((fine.height + 1) / 2, (fine.width + 1) / 2);
    set_coarse(fine, coarse);
    levels.push_back(std::move(coarse));
  }
  set_factors(levels.back());
  return levels;
}

template std::vector<Level<float>> make_levels(const float*, const bool*, const bool*,
                                               const float*, int64_t, int64_t);
template std::vector<Level<double>> make_levels(const double*, const bool*, const bool*,
                                                const double*, int64_t, int64_t);

}  // namespace napari_colorize::levin
