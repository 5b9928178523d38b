#include "cpu/levin_cycle.h"

#include "cpu/multiversion.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace napari_colorize::levin {

namespace {

// One row of a level's system and of the planes it acts on; neighbours in rows above and below are
// `pitch` away.
template <class Scalar>
struct SystemRow {
  const Scalar* connection[kLevinNeighbours];
  const Scalar* pull;
  const Scalar* factor;
  int64_t width, pitch;
};

template <class Scalar>
SystemRow<Scalar> system_row(const Level<Scalar>& level, int64_t y) {
  SystemRow<Scalar> row{{}, level.pull.row(y), level.factor.row(y), level.width, level.pull.pitch};
  for (int i = 0; i < kLevinNeighbours; ++i) {
    row.connection[i] = level.connection[i].row(y);
  }
  return row;
}

// `out` = `right` − system · `x`; without `right`, the system's product itself. Differences of
// neighbours are taken first: in a flat region they are exactly zero.
template <class Scalar>
struct ResidualRow {
  SystemRow<Scalar> system;
  const Scalar *x, *right;
  Scalar* out;
};

template <class Scalar>
NC_HD void subtract_product(const ResidualRow<Scalar>& row) {
  const SystemRow<Scalar>& system = row.system;
  const Scalar sign = row.right != nullptr ? 1 : -1, with = row.right != nullptr ? 1 : 0;
  const Scalar* right = row.right != nullptr ? row.right : row.x;
  NC_INDEPENDENT
  for (int64_t i = 0; i < system.width; ++i) {
    const Scalar here = row.x[i];
    Scalar total = -system.pull[i] * here;
    for (int s = 0; s < kLevinNeighbours; ++s) {
      const int64_t there = i + kRowOf[s] * system.pitch + kColumnOf[s];
      total += system.connection[s][i] * (row.x[there] - here);
    }
    row.out[i] = with * right[i] + sign * total;
  }
}

// The part of a substitution that comes from the row before (first three connections) or after (last
// three), and what is left for the walk along the row: z_i = out_i + carry_i · z of the pixel before.
template <class Scalar>
struct SubstitutionRow {
  SystemRow<Scalar> system;
  const Scalar *z, *right;  // `right` null on the way back
  Scalar *out, *carry;
  int first, next;  // connections: the first of the other row, and the one along the row
};

template <class Scalar>
NC_HD Scalar positive(Scalar value) {
  return value > 0 ? value : 0;
}

template <class Scalar>
NC_HD void prepare_walk(const SubstitutionRow<Scalar>& row) {
  const SystemRow<Scalar>& system = row.system;
  const Scalar* z = row.z + kRowOf[row.first] * system.pitch;
  const Scalar *a = system.connection[row.first], *b = system.connection[row.first + 1],
               *c = system.connection[row.first + 2], *along = system.connection[row.next];
  const Scalar with = row.right != nullptr ? 1 : 0;
  const Scalar* right = row.right != nullptr ? row.right : row.z;
  NC_INDEPENDENT
  for (int64_t i = 0; i < system.width; ++i) {
    const Scalar total = with * right[i] + positive(a[i]) * z[i - 1] + positive(b[i]) * z[i] +
                         positive(c[i]) * z[i + 1];
    row.out[i] = system.factor[i] * total;
    row.carry[i] = system.factor[i] * positive(along[i]);
  }
}

}  // namespace

NC_MULTIVERSION void subtract_product_float(const ResidualRow<float>& row) {
  subtract_product(row);
}

NC_MULTIVERSION void prepare_walk_float(const SubstitutionRow<float>& row) { prepare_walk(row); }

namespace {

void run(const ResidualRow<float>& row) { subtract_product_float(row); }

void run(const ResidualRow<double>& row) { subtract_product(row); }

void run(const SubstitutionRow<float>& row) { prepare_walk_float(row); }

void run(const SubstitutionRow<double>& row) { prepare_walk(row); }

template <class Scalar>
void residual(const Level<Scalar>& level, const Plane<Scalar>& x, const Plane<Scalar>* right,
              Plane<Scalar>& out) {
  for (int64_t y = 0; y < level.height; ++y) {
    run(ResidualRow<Scalar>{system_row(level, y), x.row(y),
                            right != nullptr ? right->row(y) : nullptr, out.row(y)});
  }
}

// z = (incomplete factors)⁻¹ · right, down the image and up again.
template <class Scalar>
void substitute(const Level<Scalar>& level, const Plane<Scalar>& right, Plane<Scalar>& z) {
  std::vector<Scalar> carry(level.width), share(level.width);
  for (int64_t y = 0; y < level.height; ++y) {
    Scalar* row = z.row(y);
    run(SubstitutionRow<Scalar>{system_row(level, y), row, right.row(y), share.data(),
                                carry.data(), 0, 3});
    Scalar last = 0;
    for (int64_t x = 0; x < level.width; ++x) {
      row[x] = last = share[x] + carry[x] * last;
    }
  }
  for (int64_t y = level.height - 1; y >= 0; --y) {
    Scalar* row = z.row(y);
    run(SubstitutionRow<Scalar>{system_row(level, y), row, nullptr, share.data(), carry.data(),
                                5, 4});
    Scalar last = 0;
    for (int64_t x = level.width - 1; x >= 0; --x) {
      row[x] = last = row[x] + share[x] + carry[x] * last;
    }
  }
}

template <class Scalar>
void restrict_to(const Level<Scalar>& level, const Plane<Scalar>& fine, Plane<Scalar>& coarse) {
  using C = Corners<Scalar>;
  const auto& weight = level.to_coarse.weight;
  const auto at = [&](int w, int64_t i, int64_t j) { return weight[w].row(i)[j]; };
  for (int64_t i = 0; i < coarse.height; ++i) {
    const int64_t y = 2 * i;
    const Scalar *above = fine.row(y - 1), *here = fine.row(y);
    const Scalar* below = y + 1 < level.height ? fine.row(y + 1) : nullptr;
    for (int64_t j = 0; j < coarse.width; ++j) {
      const int64_t x = 2 * j;
      Scalar total = here[x] * level.free.row(y)[x];
      total += at(C::kRight, i, j - 1) * here[x - 1] + at(C::kLeft, i, j) * here[x + 1];
      total += at(C::kDown, i - 1, j) * above[x];
      total += at(C::kFirstCorner + 3, i - 1, j - 1) * above[x - 1];
      total += at(C::kFirstCorner + 2, i - 1, j) * above[x + 1];
      if (below != nullptr) {
        total += at(C::kUp, i, j) * below[x];
        total += at(C::kFirstCorner + 1, i, j - 1) * below[x - 1];
        total += at(C::kFirstCorner, i, j) * below[x + 1];
      }
      coarse.row(i)[j] = total;
    }
  }
}

template <class Scalar>
void add_interpolated(const Level<Scalar>& level, const Plane<Scalar>& coarse,
                      Plane<Scalar>& fine) {
  using C = Corners<Scalar>;
  const auto& weight = level.to_fine.weight;
  const auto at = [&](int w, int64_t i, int64_t j) { return weight[w].row(i)[j]; };
  for (int64_t i = 0; i < coarse.height; ++i) {
    const Scalar *near = coarse.row(i), *next = coarse.row(i + 1);
    Scalar* here = fine.row(2 * i);
    Scalar* below = 2 * i + 1 < level.height ? fine.row(2 * i + 1) : nullptr;
    for (int64_t j = 0; j < coarse.width; ++j) {
      const int64_t x = 2 * j;
      const bool beside = x + 1 < level.width;
      here[x] += near[j];
      if (beside) {
        here[x + 1] += at(C::kLeft, i, j) * near[j] + at(C::kRight, i, j) * near[j + 1];
      }
      if (below != nullptr) {
        below[x] += at(C::kUp, i, j) * near[j] + at(C::kDown, i, j) * next[j];
        if (beside) {
          const int c = C::kFirstCorner;
          below[x + 1] += at(c, i, j) * near[j] + at(c + 1, i, j) * near[j + 1] +
                          at(c + 2, i, j) * next[j] + at(c + 3, i, j) * next[j + 1];
        }
      }
    }
  }
}

// Sums over a level, row by row in double.
template <class Scalar, class Term>
double sum(const Level<Scalar>& level, const Term& term) {
  double total = 0;
  for (int64_t y = 0; y < level.height; ++y) {
    double row = 0;
    for (int64_t x = 0; x < level.width; ++x) {
      row += term(y, x);
    }
    total += row;
  }
  return total;
}

// to += factor · from
template <class Scalar>
void add(const Level<Scalar>& level, double factor, const Plane<Scalar>& from, Plane<Scalar>& to) {
  const auto scale = static_cast<Scalar>(factor);
  for (int64_t y = 0; y < level.height; ++y) {
    const Scalar* a = from.row(y);
    Scalar* b = to.row(y);
    for (int64_t x = 0; x < level.width; ++x) {
      b[x] += scale * a[x];
    }
  }
}

// A direction and the system's product with it.
template <class Scalar>
struct Direction {
  Plane<Scalar> along, product;
};

template <class Scalar>
struct Workspace {
  Plane<Scalar> right, spare, sum;
  Direction<Scalar> now, before;

  explicit Workspace(const Level<Scalar>& level, bool lowest)
      : right(level.height, level.width), spare(level.height, level.width),
        now{{level.height, level.width}, {level.height, level.width}},
        before{{level.height, level.width}, {level.height, level.width}} {
    if (!lowest) {
      sum = Plane<Scalar>(level.height, level.width);
    }
  }
};

template <class Scalar>
class Solver {
 public:
  explicit Solver(const std::vector<Level<Scalar>>& levels) : levels_(levels) {
    for (size_t l = 0; l < levels.size(); ++l) {
      work_.emplace_back(levels[l], l == 0);
    }
  }

  double solve(const Scalar* prior, Scalar* chroma, const Patience& patience);

 private:
  const std::vector<Level<Scalar>>& levels_;
  std::vector<Workspace<Scalar>> work_;

  // now.along ≈ system⁻¹ · right
  void cycle(size_t l) {
    const Level<Scalar>& level = levels_[l];
    Workspace<Scalar>& work = work_[l];
    substitute(level, work.right, work.now.along);
    if (l + 1 == levels_.size()) {
      return;
    }
    residual(level, work.now.along, &work.right, work.spare);
    restrict_to(level, work.spare, work_[l + 1].right);
    improve(l + 1);
    add_interpolated(level, work_[l + 1].sum, work.now.along);
    residual(level, work.now.along, &work.right, work.spare);
    substitute(level, work.spare, work.now.product);
    add(level, 1, work.now.product, work.now.along);
  }

  // The system's product with the new direction, and how much of it, orthogonal to the one before,
  // leaves the least residual.
  double weigh(size_t l, bool first) {
    const Level<Scalar>& level = levels_[l];
    Workspace<Scalar>& work = work_[l];
    Direction<Scalar>&now = work.now, &before = work.before;
    residual(level, now.along, static_cast<const Plane<Scalar>*>(nullptr), now.product);
    const auto inner = [&](const Plane<Scalar>& a, const Plane<Scalar>& b) {
      return sum(level, [&](int64_t y, int64_t x) {
        const double scale = l == 0 ? level.scale.row(y)[x] : 1;
        return scale * scale * a.row(y)[x] * b.row(y)[x];
      });
    };
    if (!first) {
      const double norm = inner(before.product, before.product);
      if (norm > 0) {
        const double overlap = -inner(now.product, before.product) / norm;
        add(level, overlap, before.product, now.product);
        add(level, overlap, before.along, now.along);
      }
    }
    const double norm = inner(now.product, now.product);
    const double share = norm > 0 ? inner(work.right, now.product) / norm : 0;
    return std::isfinite(share) ? share : 0;
  }

  // sum ≈ system⁻¹ · right on a coarse level, by two cycles; a small residual is no reason for only one,
  // because parts that take little from outside hardly show in it.
  void improve(size_t l) {
    const Level<Scalar>& level = levels_[l];
    Workspace<Scalar>& work = work_[l];
    std::fill_n(work.sum.values.get(), (level.height + 2) * work.sum.pitch, Scalar(0));
    const int most = l + 1 == levels_.size() ? 1 : 2;
    for (int turn = 0; turn < most; ++turn) {
      cycle(l);
      const double share = weigh(l, turn == 0);
      add(level, share, work.now.along, work.sum);
      if (turn + 1 < most) {
        add(level, -share, work.now.product, work.right);
        if (share == 0) {
          return;
        }
        std::swap(work.now, work.before);
      }
    }
  }
};

template <class Scalar>
double Solver<Scalar>::solve(const Scalar* prior, Scalar* chroma, const Patience& patience) {
  const Level<Scalar>& level = levels_[0];
  Workspace<Scalar>& work = work_[0];
  Plane<Scalar>& x = work.now.along;
  Scalar low = std::numeric_limits<Scalar>::max(), high = -low;
  for (int64_t y = 0; y < level.height; ++y) {
    for (int64_t i = 0; i < level.width; ++i) {
      const int64_t at = y * level.width + i;
      const Scalar pull = level.pull.row(y)[i];
      x.row(y)[i] = chroma[at];
      work.spare.row(y)[i] = prior != nullptr ? pull * prior[at] : 0;
      const bool held = level.free.row(y)[i] == 0;
      if (held || (pull > 0 && prior != nullptr)) {
        const Scalar value = held ? chroma[at] : prior[at];
        low = std::min(low, value);
        high = std::max(high, value);
      }
    }
  }
  residual(level, x, &work.spare, work.right);
  const double none = std::numeric_limits<double>::infinity();
  double last = none, before_last = none, expected = none;
  for (int64_t turn = 0; turn < patience.cycles && expected > patience.tolerance; ++turn) {
    cycle(0);
    const double share = weigh(0, turn == 0);
    double change = 0;
    for (int64_t y = 0; y < level.height; ++y) {
      const Scalar *along = work.now.along.row(y), *product = work.now.product.row(y);
      Scalar *right = work.right.row(y), *out = chroma + y * level.width;
      const auto scale = static_cast<Scalar>(share);
      Scalar most = 0;
      for (int64_t i = 0; i < level.width; ++i) {
        const Scalar step = scale * along[i];
        out[i] += step;
        right[i] -= scale * product[i];
        most = std::max(most, std::abs(step));
      }
      change = std::max(change, static_cast<double>(most));
    }
    // What is left is the rest of a geometric series, of which the slower of two steps is taken.
    const double step = last < none ? change / last : 0.7;
    const double ratio =
        std::clamp(std::max(step, before_last < none ? last / before_last : 0), 0.3, 0.97);
    expected = change > 0 ? change * ratio / (1 - ratio) : 0;
    before_last = last;
    last = change;
    std::swap(work.now, work.before);
  }
  for (int64_t y = 0; y < level.height && low <= high; ++y) {
    for (int64_t i = 0; i < level.width; ++i) {
      if (level.free.row(y)[i] != 0) {
        Scalar& value = chroma[y * level.width + i];
        value = std::clamp(value, low, high);
      }
    }
  }
  return expected;
}

}  // namespace

template <class Scalar>
double solve(const std::vector<Level<Scalar>>& levels, const Scalar* prior, Scalar* chroma,
             const Patience& patience) {
  return Solver<Scalar>(levels).solve(prior, chroma, patience);
}

template double solve(const std::vector<Level<float>>&, const float*, float*, const Patience&);
template double solve(const std::vector<Level<double>>&, const double*, double*, const Patience&);

}  // namespace napari_colorize::levin
