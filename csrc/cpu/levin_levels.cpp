#include "cpu/levin_levels.h"

#include "cpu/multiversion.h"

#include <limits>
#include <utility>

namespace napari_colorize::levin {

namespace {

NC_HD Share share(float whole) { return static_cast<Share>(static_cast<int32_t>(whole)); }

// What the pixels of a row take from their neighbours and give them, fixed neighbours counted to the
// pull, which is what `takes` sums to beside.
struct Exchange {
  std::vector<float> values;
  float *takes[kLevinNeighbours], *gives[kLevinNeighbours], *pull;

  explicit Exchange(int64_t width) : values((2 * kLevinNeighbours + 1) * (width + 4)) {
    float* next = values.data() + 2;
    for (int s = 0; s < kLevinNeighbours; ++s, next += 2 * (width + 4)) {
      takes[s] = next;
      gives[s] = next + width + 4;
    }
    pull = next;
  }
};

struct ExchangeRow {
  LevelRow level;
  float *takes[kLevinNeighbours], *gives[kLevinNeighbours], *pull;
};

}  // namespace

NC_MULTIVERSION void exchange_row(const ExchangeRow& row) {
  const LevelRow& level = row.level;
  NC_INDEPENDENT
  for (int64_t x = 0; x < level.width; ++x) {
    const float here = level.free[x];
    float pull = positive(level.pull[x]);
    for (int s = 0; s < kLevinNeighbours; ++s) {
      const float free = level.free[x + kRowOf[s] * level.free_step + kColumnOf[s]];
      const int64_t there = x + kRowOf[s] * level.step + kColumnOf[s];
      const float taken = positive(wide(level.connection[s][x]));
      row.takes[s][x] = taken * free;
      pull += taken * (1 - free);
      row.gives[s][x] = positive(wide(level.connection[7 - s][there])) * here;
    }
    row.pull[x] = pull;
  }
}

// Weights to the two coarse pixels beside a fine one: the stencil is collapsed onto the line.
struct LineRow {
  const float *takes[kLevinNeighbours], *gives[kLevinNeighbours], *pull;
  Share *in[2], *out[2];
  int64_t count;
  int first;  // 1 for pixels between two of a row, 0 for those between two rows
};

NC_MULTIVERSION void line_row(const LineRow& row) {
  constexpr int before[2][3] = {{0, 1, 2}, {0, 3, 5}}, after[2][3] = {{5, 6, 7}, {2, 4, 7}};
  const int *from = before[row.first], *to = after[row.first];
  const float *ta = row.takes[from[0]], *tb = row.takes[from[1]], *tc = row.takes[from[2]],
              *td = row.takes[to[0]], *te = row.takes[to[1]], *tf = row.takes[to[2]],
              *ga = row.gives[from[0]], *gb = row.gives[from[1]], *gc = row.gives[from[2]],
              *gd = row.gives[to[0]], *ge = row.gives[to[1]], *gf = row.gives[to[2]];
  NC_INDEPENDENT
  for (int64_t j = 0; j < row.count; ++j) {
    const int64_t x = 2 * j + row.first;
    const float takes = ta[x] + tb[x] + tc[x], taken = td[x] + te[x] + tf[x];
    const float gives = ga[x] + gb[x] + gc[x], given = gd[x] + ge[x] + gf[x];
    const float all = takes + taken + row.pull[x];
    const float total = gives + given > all ? gives + given : all;
    const float into = reciprocal(all), out = reciprocal(total);
    const float one = rounded(kWhole * takes * into), two = rounded(kWhole * gives * out);
    row.in[0][j] = share(one);
    row.in[1][j] = share(rounded(kWhole * (takes + taken) * into) - one);
    row.out[0][j] = share(two);
    row.out[1][j] = share(rounded(kWhole * (gives + given) * out) - two);
  }
}

// Weights to the four corners: directly, and through the four pixels between them.
struct CornerRow {
  const float *weight[kLevinNeighbours], *takes[kLevinNeighbours], *pull;
  const Share *left, *right, *left_below, *right_below, *up, *down;
  Share* corner[4];
  int64_t count;
};

NC_MULTIVERSION void corner_row(const CornerRow& row) {
  NC_INDEPENDENT
  for (int64_t j = 0; j < row.count; ++j) {
    const int64_t x = 2 * j + 1;
    float k[kLevinNeighbours], sum = 0, full = row.pull[x];
    for (int s = 0; s < kLevinNeighbours; ++s) {
      k[s] = row.weight[s][x];
      sum += k[s];
      full += row.takes[s][x];
    }
    const auto at = [](const Share* way, int64_t j) { return wide_share(way[j]); };
    const float scale = kWhole * reciprocal(sum > full ? sum : full);
    const float exact[4] = {
        scale * (k[0] + k[1] * at(row.left, j) + k[3] * at(row.up, j)),
        scale * (k[2] + k[1] * at(row.right, j) + k[4] * at(row.up, j + 1)),
        scale * (k[5] + k[3] * at(row.down, j) + k[6] * at(row.left_below, j)),
        scale * (k[7] + k[4] * at(row.down, j + 1) + k[6] * at(row.right_below, j))};
    float near[4], most = 0, left = rounded(exact[0] + exact[1] + exact[2] + exact[3]);
    for (int c = 0; c < 4; ++c) {
      near[c] = rounded(exact[c]);
      left -= near[c];
      most = exact[c] > most ? exact[c] : most;
    }
    for (int c = 0; c < 4; ++c) {  // the largest takes what rounding leaves
      const float more = exact[c] == most ? left : 0.0f;
      left -= more;
      row.corner[c][j] = share(near[c] + more);
    }
  }
}

// A row of the incomplete factors: all but what comes from the pixel before.
struct FactorRow {
  LevelRow level;
  const Half* above;  // factors of the row above, or zeros
  float *sum, *taken, *before;
};

NC_MULTIVERSION void prepare_factors(const FactorRow& row) {
  const LevelRow& level = row.level;
  NC_INDEPENDENT
  for (int64_t x = 0; x < level.width; ++x) {
    float sum = level.pull[x], taken = 0;
    for (int s = 0; s < kLevinNeighbours; ++s) {
      const float here = positive(wide(level.connection[s][x]));
      sum += here;
      const int64_t there = x + kRowOf[s] * level.step + kColumnOf[s];
      if (s < 3) {
        taken += here * positive(wide(level.connection[7 - s][there])) *
                 wide(row.above[x + kColumnOf[s]]);
      }
      if (s == 3) {
        row.before[x] = here * positive(wide(level.connection[4][there]));
      }
    }
    row.sum[x] = sum;
    row.taken[x] = taken;
  }
}

namespace {

void set(Exchange& of, const Level& level, int64_t y) {
  ExchangeRow row{level_row(level, y), {}, {}, of.pull};
  for (int s = 0; s < kLevinNeighbours; ++s) {
    row.takes[s] = of.takes[s];
    row.gives[s] = of.gives[s];
  }
  exchange_row(row);
}

void set_lines(Level& level) {
  for_rows(level.height, level.width, [&](int64_t begin, int64_t end) {
    Exchange of(level.width);
    for (int64_t y = begin; y < end; ++y) {
      set(of, level, y);
      const bool between = y & 1;  // two rows
      const int w = between ? kUp : kLeft;
      const int64_t i = y / 2;
      LineRow row{{}, {}, of.pull, {}, {}, between ? (level.width + 1) / 2 : level.width / 2,
                  between ? 0 : 1};
      for (int s = 0; s < kLevinNeighbours; ++s) {
        row.takes[s] = of.takes[s];
        row.gives[s] = of.gives[s];
      }
      for (int side = 0; side < 2; ++side) {
        row.in[side] = level.ways.row(i, kToFine + w + side);
        row.out[side] = level.ways.row(i, kToCoarse + w + side);
      }
      line_row(row);
    }
  });
}

void set_corners(Level& level) {
  for_rows(level.height / 2, 2 * level.width, [&](int64_t begin, int64_t end) {
    Exchange of(level.width);
    for (int64_t i = begin; i < end; ++i) {
      set(of, level, 2 * i + 1);
      for (const bool restriction : {false, true}) {
        const auto way = [&](int w, int64_t v) {
          return level.ways.row(v, (restriction ? kToCoarse : kToFine) + w);
        };
        CornerRow row{{}, {}, of.pull, way(kLeft, i), way(kRight, i), way(kLeft, i + 1),
                      way(kRight, i + 1), way(kUp, i), way(kDown, i), {}, level.width / 2};
        for (int s = 0; s < kLevinNeighbours; ++s) {
          row.weight[s] = restriction ? of.gives[s] : of.takes[s];
          row.takes[s] = of.takes[s];
        }
        for (int c = 0; c < 4; ++c) {
          row.corner[c] = way(kFirstCorner + c, i);
        }
        corner_row(row);
      }
    }
  });
}

// Incomplete factors that keep the rows' connections and change the diagonal alone (Meijerink and van
// der Vorst 1977, their simplest variant): exact along chains of pixels, whichever way they wind. Only
// the positive connections are in them: with others, substitution could grow without bound.
void set_factors(Level& level) {
  for_bands(level, [&](int64_t begin, int64_t end) {
    std::vector<float> sum(level.width), taken(level.width), before(level.width);
    const std::vector<Half> zeros(level.width + 4);
    for (int64_t y = begin; y < end; ++y) {
      const Half* above = y > begin ? level.connection.row(y - 1, kFactor) : zeros.data() + 2;
      prepare_factors(FactorRow{level_row(level, y), above, sum.data(), taken.data(),
                                before.data()});
      Half* factor = level.connection.row(y, kFactor);
      const uint8_t* free = level.free.row(y);
      float last = 0;
      for (int64_t x = 0; x < level.width; ++x) {
        const float left = sum[x] - taken[x] - before[x] * last;
        const float diagonal = std::max(left, sum[x] * 1e-3f);
        last = free[x] != 0 ? reciprocal(diagonal) : 0;
        factor[x] = narrow(last);
      }
    }
  });
}

}  // namespace

Level::Level(int64_t rows, int64_t columns, bool pulled)
    : height(rows), width(columns), connection(rows, columns, kLevinNeighbours + 1),
      pull(pulled ? rows : 1, columns), free(rows, columns) {
  if (rows * columns > 1) {
    ways = Plane<Share>((rows + 1) / 2, (columns + 1) / 2, 2 * kWays);
  }
}

std::vector<Level> make_levels(Level&& first) {
  std::vector<Level> levels;
  levels.push_back(std::move(first));
  set_factors(levels[0]);
  while (levels.back().height * levels.back().width > 1) {
    Level& fine = levels.back();
    set_lines(fine);
    set_corners(fine);
    Level coarse((fine.height + 1) / 2, (fine.width + 1) / 2, true);
    set_coarse(fine, coarse);
    set_factors(coarse);
    levels.push_back(std::move(coarse));
  }
  return levels;
}

}  // namespace napari_colorize::levin
