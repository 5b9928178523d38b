#include "cpu/levin_cycle.h"

#include "cpu/multiversion.h"

#include <utility>

namespace napari_colorize::levin {

namespace {

// `out` = `right` − system · `x`, one row of one plane; neighbours of x are `pitch` away, those of the
// system beside. Differences of neighbours are taken first: in a flat region they are exactly zero.
struct ResidualRow {
  const Half* connection[kLevinNeighbours];
  const float *pull, *x, *right;
  float* out;
  int64_t width, pitch;
};

// The part of a substitution that comes from the row before or after, and what is left for the walk
// along the row: z_i = share_i + carry_i · z of the pixel before.
struct WalkRow {
  const Half *a, *b, *c, *along, *factor;  // three connections to the other row, one along the row
  const float *other, *right;              // `right` zeros on the way back
  float *share, *carry;
  int64_t width;
};

}  // namespace

NC_MULTIVERSION void residual_row(const ResidualRow& row) {
  NC_INDEPENDENT
  for (int64_t i = 0; i < row.width; ++i) {
    const float here = row.x[i];
    float total = row.right[i] - row.pull[i] * here;
    for (int s = 0; s < kLevinNeighbours; ++s) {
      const int64_t there = i + kRowOf[s] * row.pitch + kColumnOf[s];
      total += wide(row.connection[s][i]) * (row.x[there] - here);
    }
    row.out[i] = total;
  }
}

NC_MULTIVERSION void prepare_walk(const WalkRow& row) {
  NC_INDEPENDENT
  for (int64_t i = 0; i < row.width; ++i) {
    const float total = row.right[i] + positive(wide(row.a[i])) * row.other[i - 1] +
                        positive(wide(row.b[i])) * row.other[i] +
                        positive(wide(row.c[i])) * row.other[i + 1];
    const float factor = wide(row.factor[i]);
    row.share[i] = factor * total;
    row.carry[i] = factor * positive(wide(row.along[i]));
  }
}

// Sums into a row of coarse pixels what their fine ones hold.
struct RestrictionRow {
  const Share *left, *right, *up, *down, *corner[4];  // of the coarse row's cells; `down` and the two
  const float *above, *here, *below;                 // last corners of those above
  const uint8_t* free;
  float* out;
  int64_t width;
};

NC_MULTIVERSION void restriction_row(const RestrictionRow& row) {
  NC_INDEPENDENT
  for (int64_t j = 0; j < row.width; ++j) {
    const int64_t x = 2 * j;
    float total = row.here[x];
    total += wide_share(row.right[j - 1]) * row.here[x - 1] + wide_share(row.left[j]) * row.here[x + 1];
    total += wide_share(row.corner[3][j - 1]) * row.above[x - 1] + wide_share(row.down[j]) * row.above[x] +
             wide_share(row.corner[2][j]) * row.above[x + 1];
    total += wide_share(row.corner[1][j - 1]) * row.below[x - 1] + wide_share(row.up[j]) * row.below[x] +
             wide_share(row.corner[0][j]) * row.below[x + 1];
    row.out[j] = total * static_cast<float>(row.free[j]);
  }
}

// Adds to two rows of fine pixels what their coarse ones lead to.
struct InterpolationRow {
  const Share *left, *right, *up, *down, *corner[4];
  const float *near, *next;
  float *here, *below;
  int64_t width;
};

NC_MULTIVERSION void interpolation_row(const InterpolationRow& row) {
  NC_INDEPENDENT
  for (int64_t j = 0; j < row.width; ++j) {
    const int64_t x = 2 * j;
    const float a = row.near[j], b = row.near[j + 1], c = row.next[j], d = row.next[j + 1];
    row.here[x] += a;
    row.here[x + 1] += wide_share(row.left[j]) * a + wide_share(row.right[j]) * b;
    row.below[x] += wide_share(row.up[j]) * a + wide_share(row.down[j]) * c;
    row.below[x + 1] += wide_share(row.corner[0][j]) * a + wide_share(row.corner[1][j]) * b +
                        wide_share(row.corner[2][j]) * c + wide_share(row.corner[3][j]) * d;
  }
}

namespace {

void residual(const Level& level, const Plane<float>& x, const Plane<float>& right,
              Plane<float>& out) {
  for_rows(level.height, level.width * x.planes, [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y) {
      ResidualRow row{{}, level.pull_row(y), nullptr, nullptr,
                      nullptr, level.width, x.step()};
      for (int s = 0; s < kLevinNeighbours; ++s) {
        row.connection[s] = level.connection.row(y, s);
      }
      for (int64_t c = 0; c < x.planes; ++c) {
        row.x = x.row(y, c);
        row.right = right.row(y, c);
        row.out = out.row(y, c);
        residual_row(row);
      }
    }
  });
}

// Walks along the rows of all planes, two side by side: each step waits for the one before it.
template <int Step>
void walk(int64_t width, int64_t planes, const float* share, const float* carry, float* first,
          int64_t pitch, bool add) {
  const int64_t start = Step > 0 ? 0 : width - 1;
  for (int64_t c = 0; c < planes; c += 2) {
    const int64_t other = c + 1 < planes ? 1 : 0;
    const float *s = share + c * width, *t = s + other * width;
    float *z = first + c * pitch, *w = z + other * pitch;
    float last = 0, last_other = 0;
    for (int64_t n = 0, i = start; n < width; ++n, i += Step) {
      const float one = (add ? z[i] + s[i] : s[i]) + carry[i] * last;
      const float two = (add ? w[i] + t[i] : t[i]) + carry[i] * last_other;
      z[i] = last = one;
      w[i] = last_other = two;
    }
  }
}

// z = (incomplete factors)⁻¹ · right, down each band and up again; `right` may be z.
void substitute(const Level& level, const Plane<float>& right, Plane<float>& z) {
  for_bands(level, [&](int64_t begin, int64_t end) {
    const int64_t width = level.width, planes = z.planes;
    std::vector<float> share(width * planes), carry(width);
    const std::vector<float> nothing(width + 4);
    const auto row = [&](int64_t y, bool down) {
      const int first = down ? 0 : 5;
      const bool alone = down ? y == begin : y + 1 == end;
      for (int64_t c = 0; c < planes; ++c) {
        const auto& k = level.connection;
        prepare_walk(WalkRow{k.row(y, first), k.row(y, first + 1), k.row(y, first + 2),
                             k.row(y, down ? 3 : 4), k.row(y, kFactor),
                             alone ? nothing.data() + 2 : z.row(down ? y - 1 : y + 1, c),
                             down ? right.row(y, c) : nothing.data() + 2, share.data() + c * width,
                             carry.data(), width});
      }
    };
    for (int64_t y = begin; y < end; ++y) {
      row(y, true);
      walk<1>(width, planes, share.data(), carry.data(), z.row(y), z.pitch, false);
    }
    for (int64_t y = end - 1; y >= begin; --y) {
      row(y, false);
      walk<-1>(width, planes, share.data(), carry.data(), z.row(y), z.pitch, true);
    }
  });
}

void restrict_to(const Level& level, const Level& below, const Plane<float>& fine,
                 Plane<float>& coarse) {
  for_rows(below.height, 4 * below.width, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto at = [&](int w, int64_t v) { return level.ways.row(v, kToCoarse + w); };
      for (int64_t c = 0; c < fine.planes; ++c) {
        restriction_row(RestrictionRow{
            at(kLeft, i), at(kRight, i), at(kUp, i), at(kDown, i - 1),
            {at(kFirstCorner, i), at(kFirstCorner + 1, i), at(kFirstCorner + 2, i - 1),
             at(kFirstCorner + 3, i - 1)},
            fine.row(2 * i - 1, c), fine.row(2 * i, c), fine.row(2 * i + 1, c),
            below.free.row(i), coarse.row(i, c), below.width});
      }
    }
  });
}

void add_interpolated(const Level& level, const Plane<float>& coarse, Plane<float>& fine) {
  const int64_t rows = coarse.height, columns = coarse.width;
  for_rows(rows, 4 * columns, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto at = [&](int w) { return level.ways.row(i, kToFine + w); };
      for (int64_t c = 0; c < fine.planes; ++c) {
        interpolation_row(InterpolationRow{
            at(kLeft), at(kRight), at(kUp), at(kDown),
            {at(kFirstCorner), at(kFirstCorner + 1), at(kFirstCorner + 2), at(kFirstCorner + 3)},
            coarse.row(i, c), coarse.row(i + 1, c), fine.row(2 * i, c), fine.row(2 * i + 1, c),
            columns});
      }
    }
  });
}

void add(const Level& level, const Plane<float>& from, Plane<float>& to) {
  for_rows(level.height, level.width * to.planes, [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y) {
      const float* a = from.row(y);
      float* b = to.row(y);
      for (int64_t i = 0; i < to.planes * to.pitch - 4; ++i) {
        b[i] += a[i];
      }
    }
  });
}

}  // namespace

Cycle::Cycle(const std::vector<Level>& levels, int64_t planes, const volatile bool* stop)
    : levels_(levels), stop_(stop) {
  for (const Level& level : levels) {
    Grid grid;
    for (Plane<float>* plane : {&grid.right, &grid.change, &grid.spare}) {
      *plane = Plane<float>(level.height, level.width, planes);
    }
    if (!grids_.empty()) {
      grid.total = Plane<float>(level.height, level.width, planes);
    }
    grids_.push_back(std::move(grid));
  }
}

void Cycle::descend(size_t l) {
  const Level& level = levels_[l];
  Grid& grid = grids_[l];
  substitute(level, grid.right, grid.change);
  if (l + 1 == levels_.size() || stopped()) {
    return;
  }
  residual(level, grid.change, grid.right, grid.spare);
  restrict_to(level, levels_[l + 1], grid.spare, grids_[l + 1].right);
  improve(l + 1);
  add_interpolated(level, grids_[l + 1].total, grid.change);
  residual(level, grid.change, grid.right, grid.spare);
  substitute(level, grid.spare, grid.spare);
  add(level, grid.spare, grid.change);
}

// total ≈ system⁻¹ · right on a coarse level: two cycles while it has many pixels.
void Cycle::improve(size_t l) {
  const Level& level = levels_[l];
  Grid& grid = grids_[l];
  constexpr int64_t many = 256;
  descend(l);
  std::swap(grid.total, grid.change);
  if (level.height * level.width < many || stopped()) {
    return;
  }
  residual(level, grid.total, grid.right, grid.right);
  descend(l);
  add(level, grid.change, grid.total);
}

}  // namespace napari_colorize::levin
