#include "cpu/levin_solve.h"

#include "cpu/levin_cycle.h"
#include "cpu/levin_rows.h"

#include <cmath>
#include <limits>
#include <type_traits>

namespace napari_colorize::levin {

namespace {

// Weights of a row, and their sum.
template <class Scalar>
struct Weights {
  std::vector<Scalar> values;
  Scalar *weight[kLevinNeighbours], *sum, *scale, *product;

  explicit Weights(int64_t width) : values((kLevinNeighbours + 3) * width) {
    Scalar* next = values.data();
    for (int s = 0; s < kLevinNeighbours; ++s, next += width) {
      weight[s] = next;
    }
    sum = next;
    scale = next + width;
    product = next + 2 * width;
  }
};

// The system as it is, its chroma and how far it is from solved.
template <class Scalar>
class System {
 public:
  System(const Image<Scalar>& image, const Scalar* prior, int64_t planes, Scalar* chroma)
      : image_(image), prior_(prior), planes_(planes), chroma_(chroma),
        shade_(image.height, image.width), inside_(image.height, image.width) {
    for_rows(image.height, image.width, [&](int64_t begin, int64_t end) {
      for (int64_t y = begin; y < end; ++y) {
        std::copy_n(image.luma + y * image.width, image.width, shade_.row(y));
        for (int64_t x = 0; x < image.width; ++x) {
          inside_.row(y)[x] = image.walls != nullptr && image.walls[y * image.width + x] ? 0 : 1;
        }
      }
    });
  }

  Level level() const {
    Level level(image_.height, image_.width, image_.certainty != nullptr);
    for_rows(image_.height, image_.width, [&](int64_t begin, int64_t end) {
      Weights<Scalar> of(image_.width);
      for (int64_t y = begin; y < end; ++y) {
        weigh(y, of);
        uint8_t* free = level.free.row(y);
        for (int64_t x = 0; x < image_.width; ++x) {
          free[x] = !image_.fixed[y * image_.width + x] && of.sum[x] > 0;
        }
        for (int s = 0; s < kLevinNeighbours; ++s) {
          Half* connection = level.connection.row(y, s);
          for (int64_t x = 0; x < image_.width; ++x) {
            connection[x] = narrow(static_cast<float>(of.weight[s][x]) * free[x]);
          }
        }
        for (int64_t x = 0; image_.certainty != nullptr && x < image_.width; ++x) {
          level.pull.row(y)[x] =
              static_cast<float>(image_.certainty[y * image_.width + x] * of.sum[x]) * free[x];
        }
      }
    });
    return level;
  }

  void weigh(int64_t y, Weights<Scalar>& of) const {
    WeightRow<Scalar> row{shade_.row(y), inside_.row(y), shade_.pitch, image_.width, {}, of.sum};
    std::copy_n(of.weight, kLevinNeighbours, row.weight);
    run(row);
  }

  // out = system · x, of a row whose weights are known; zero at pixels that are not free.
  void multiply(int64_t y, int64_t c, const Weights<Scalar>& of, const Level& level,
                const Plane<Scalar>& x, Scalar* out) const {
    ProductRow<Scalar> row{{}, x.row(y, c), out, image_.width, x.step()};
    std::copy_n(of.weight, kLevinNeighbours, row.weight);
    run(row);
    const uint8_t* free = level.free.row(y);
    const Scalar* certainty =
        image_.certainty != nullptr ? image_.certainty + y * image_.width : nullptr;
    for (int64_t i = 0; certainty != nullptr && i < image_.width; ++i) {
      out[i] += certainty[i] * of.sum[i] * row.x[i];
    }
    for (int64_t i = 0; i < image_.width; ++i) {
      out[i] *= static_cast<Scalar>(free[i]);
    }
  }

  const Image<Scalar>& image_;
  const Scalar* prior_;
  int64_t planes_;
  Scalar* chroma_;
  Plane<Scalar> shade_;
  Plane<uint8_t> inside_;

  int64_t at(int64_t y, int64_t c) const { return (c * image_.height + y) * image_.width; }
};

// What is still to come after a change: the rest of a geometric series. Its ratio is the largest of five
// steps, its beginning the larger of two changes: the part that shrinks slowest shows itself only now and
// then, as shares are chosen by the residual, not by the changes.
class Expectation {
 public:
  double after(double change) {
    changes_.push_back(change);
    const size_t n = changes_.size();
    double ratio = n > 1 ? 0.5 : 0.7;
    for (size_t k = n > 5 ? n - 5 : 1; k < n; ++k) {
      ratio = std::max(ratio, changes_[k - 1] > 0 ? changes_[k] / changes_[k - 1] : 0.0);
    }
    ratio = std::min(ratio, 0.98);
    return kCaution * std::max(change, n > 1 ? changes_[n - 2] : 0.0) * ratio / (1 - ratio);
  }

 private:
  static constexpr double kCaution = 1.5;
  std::vector<double> changes_;
};

template <class Scalar>
class Solver {
 public:
  // For `planes` planes from `first` on.
  Solver(const System<Scalar>& system, const std::vector<Level>& levels, const Patience& patience,
         int64_t first, int64_t planes)
      : system_(system), level_(levels[0]), patience_(patience), first_(first), planes_(planes),
        cycle_(levels, planes_, patience.stop), expectations_(planes_),
        last_norm_(planes_) {
    for (Plane<Scalar>* plane : {&before_, &product_before_}) {
      *plane = Plane<Scalar>(level_.height, level_.width, planes_);
    }
    if constexpr (!kShared) {
      for (Plane<Scalar>* plane : {&own_right_, &own_along_, &own_product_}) {
        *plane = Plane<Scalar>(level_.height, level_.width, planes_);
      }
    }
  }

  void solve(double* remaining);

 private:
  static constexpr bool kShared = std::is_same_v<Scalar, float>;  // with the cycle's planes

  const System<Scalar>& system_;
  const Level& level_;
  const Patience& patience_;
  int64_t first_, planes_;
  Cycle cycle_;
  std::vector<Expectation> expectations_;
  std::vector<double> last_norm_;
  Plane<Scalar> before_, product_before_, own_right_, own_along_, own_product_;

  Plane<Scalar>& right() {
    if constexpr (kShared) return cycle_.right();
    else return own_right_;
  }
  Plane<Scalar>& along() {
    if constexpr (kShared) return cycle_.change();
    else return own_along_;
  }
  Plane<Scalar>& product() {
    if constexpr (kShared) return cycle_.spare();
    else return own_product_;
  }

  template <class Function>
  void for_all(const Function& function) {
    for_rows(level_.height, level_.width * planes_, [&](int64_t begin, int64_t end) {
      Weights<Scalar> of(level_.width);
      for (int64_t y = begin; y < end; ++y) {
        function(y, of);
      }
    });
  }

  void start();
  void run_cycle();
  void step(double* remaining);
  void hold_in_range();
};

// right = certainty · prior − system · chroma. Steps keep it up to date; their rounding adds up to what
// areas that take next to nothing from outside make a change of several units, so it is renewed now and then.
template <class Scalar>
void Solver<Scalar>::start() {
  const Image<Scalar>& image = system_.image_;
  for_all([&](int64_t y, Weights<Scalar>&) {
    for (int64_t c = 0; c < planes_; ++c) {
      std::copy_n(system_.chroma_ + system_.at(y, first_ + c), image.width, along().row(y, c));
    }
  });
  for_all([&](int64_t y, Weights<Scalar>& of) {
    system_.weigh(y, of);
    for (int64_t c = 0; c < planes_; ++c) {
      Scalar* right = this->right().row(y, c);
      system_.multiply(y, c, of, level_, along(), right);
      for (int64_t i = 0; i < image.width; ++i) {
        right[i] = -right[i];
      }
      for (int64_t i = 0; image.certainty != nullptr && i < image.width; ++i) {
        right[i] += image.certainty[y * image.width + i] * of.sum[i] *
                    system_.prior_[system_.at(y, first_ + c) + i] *
                    static_cast<Scalar>(level_.free.row(y)[i]);
      }
    }
  });
}

template <class Scalar>
void Solver<Scalar>::run_cycle() {
  if constexpr (kShared) {
    cycle_.run();
  } else {
    const auto copy = [&](const auto& from, auto& to) {
      for_all([&](int64_t y, Weights<Scalar>&) {
        for (int64_t c = 0; c < planes_; ++c) {
          std::copy_n(from.row(y, c), level_.width, to.row(y, c));
        }
      });
    };
    copy(own_right_, cycle_.right());
    cycle_.run();
    copy(cycle_.change(), own_along_);
  }
}

// Takes as much of the new direction, orthogonal to the one before, as leaves the least residual.
template <class Scalar>
void Solver<Scalar>::step(double* remaining) {
  const int64_t planes = planes_;
  std::vector<Sums> rows(level_.height * planes);
  for_all([&](int64_t y, Weights<Scalar>& of) {
    system_.weigh(y, of);
    for (int64_t i = 0; i < level_.width; ++i) {
      of.scale[i] = of.sum[i] > 0 ? 1 / of.sum[i] : 0;
    }
    for (int64_t c = 0; c < planes; ++c) {
      system_.multiply(y, c, of, level_, along(), product().row(y, c));
      rows[y * planes + c] =
          run(SumRow<Scalar>{product().row(y, c), product_before_.row(y, c), right().row(y, c),
                             of.scale, level_.width});
    }
  });
  std::vector<double> most(level_.height * planes);
  std::vector<Scalar> overlap(planes), share(planes);
  for (int64_t c = 0; c < planes; ++c) {
    Sums sums;
    for (int64_t y = 0; y < level_.height; ++y) {
      sums += rows[y * planes + c];
    }
    const double with = last_norm_[c] > 0 ? sums.with_last / last_norm_[c] : 0;
    const double norm = std::max(sums.own - with * sums.with_last, 0.0);
    const double wanted = norm > 0 ? (sums.with_right - with * sums.last_with_right) / norm : 0;
    overlap[c] = static_cast<Scalar>(with);
    share[c] = static_cast<Scalar>(std::isfinite(wanted) ? wanted : 0);
    last_norm_[c] = norm;
  }
  for_all([&](int64_t y, Weights<Scalar>&) {
    for (int64_t c = 0; c < planes; ++c) {
      most[y * planes + c] = run(StepRow<Scalar>{
          along().row(y, c), product().row(y, c), before_.row(y, c), product_before_.row(y, c),
          system_.chroma_ + system_.at(y, first_ + c), right().row(y, c), overlap[c], share[c],
          level_.width});
    }
  });
  std::swap(along(), before_);
  std::swap(product(), product_before_);
  for (int64_t c = 0; c < planes; ++c) {
    double change = 0;
    for (int64_t y = 0; y < level_.height; ++y) {
      change = std::max(change, most[y * planes + c]);
    }
    remaining[c] = expectations_[c].after(change);
  }
}

// The maximum principle, which an unfinished solution need not keep by itself.
template <class Scalar>
void Solver<Scalar>::hold_in_range() {
  const Image<Scalar>& image = system_.image_;
  const int64_t pixels = image.height * image.width;
  for (int64_t c = 0; c < planes_; ++c) {
    Scalar* chroma = system_.chroma_ + (first_ + c) * pixels;
    const Scalar* prior = image.certainty != nullptr ? system_.prior_ + (first_ + c) * pixels : nullptr;
    Scalar low = std::numeric_limits<Scalar>::max(), high = -low;
    for (int64_t y = 0; y < image.height; ++y) {
      for (int64_t i = y * image.width; i < (y + 1) * image.width; ++i) {
        const bool held = level_.free.row(y)[i - y * image.width] == 0;
        if (held || (prior != nullptr && image.certainty[i] > 0)) {
          const Scalar value = held ? chroma[i] : prior[i];
          low = std::min(low, value);
          high = std::max(high, value);
        }
      }
    }
    for (int64_t y = 0; y < image.height && low <= high; ++y) {
      for (int64_t i = y * image.width; i < (y + 1) * image.width; ++i) {
        if (level_.free.row(y)[i - y * image.width] != 0) {
          chroma[i] = std::clamp(chroma[i], low, high);
        }
      }
    }
  }
}

template <class Scalar>
void Solver<Scalar>::solve(double* remaining) {
  start();
  std::fill_n(remaining, planes_, std::numeric_limits<double>::infinity());
  const auto left = [&] { return *std::max_element(remaining, remaining + planes_); };
  for (int64_t turn = 0; turn < patience_.cycles && left() > patience_.tolerance; ++turn) {
    run_cycle();
    if (cycle_.stopped()) {
      return;
    }
    step(remaining);
    if (turn % 4 == 3) {
      start();
    }
  }
  hold_in_range();
}

}  // namespace

template <class Scalar>
void solve(const Image<Scalar>& image, const Scalar* prior, int64_t planes, Scalar* chroma,
           const Patience& patience, double* remaining) {
  const System<Scalar> system(image, prior, planes, chroma);
  const std::vector<Level> levels = make_levels(system.level());
  // A thread a plane: threads that share a plane wait for each other some hundred times a cycle, which
  // costs far more than it gains where others want the cores too.
  torch::stable::parallel_for(0, planes, 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      Solver<Scalar>(system, levels, patience, c, 1).solve(remaining + c);
    }
  });
}

template void solve(const Image<float>&, const float*, int64_t, float*, const Patience&, double*);
template void solve(const Image<double>&, const double*, int64_t, double*, const Patience&,
                    double*);

}  // namespace napari_colorize::levin
