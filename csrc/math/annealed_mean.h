// The annealed mean of one pixel's bins, and the width of the prediction, in one pass over the bins.
// Zhang, Isola, Efros (ECCV 2016), section 2.3.
//
//   z_q       logit + bias of bin q
//   ab        Σ softmax(z / T)_q · bin_q                      Lab units
//   entropy   −Σ p_q log p_q / log Q,  p = softmax(z)         0 … 1
//
// Online softmax: all sums are relative to a reference near the highest z so far. Only a rise that
// would take the weights out of a comfortable range moves it, which costs two exponentials. With
// y = (z − reference) log2 e, the entropy is log Σ2^y − ln 2 · Σ y 2^y / Σ2^y. A z of −inf takes its
// bin out; NaN, +inf or no bin left gives NaN. The weights need no more than 3e-6, which is below 5e-4
// Lab units in their mean; the entropy is a difference, and takes 2^y as precisely as floats have it.
#pragma once

#include "math/exponential.h"
#include "math/platform.h"

namespace napari_colorize {

// Float is the type of one or several pixels, Scalar that of one number.
template <class Float>
struct AnnealedSums {
  Float top;     // the reference: no z so far is higher by more than the headroom
  Float sum;     // Σ 2^y
  Float slope;   // Σ y 2^y
  Float weight;  // Σ 2^(y / T)
  Float a, b;    // Σ 2^(y / T) · bin
};

template <class Float, class Scalar>
NC_HD AnnealedSums<Float> annealed_start() {
  const Float zero{};
  return {zero - static_cast<Scalar>(INFINITY), zero, zero, zero, zero, zero};
}

// How far a z may lie above the reference: no weight is above 2^16 of it.
template <class Scalar>
NC_HD Scalar annealed_headroom(Scalar inverse_temperature) {
  const Scalar octaves = static_cast<Scalar>(kLog2E) *
                         (inverse_temperature > Scalar(1) ? inverse_temperature : Scalar(1));
  return Scalar(16) / octaves;
}

// Whether a is above b anywhere in a vector; types without an instruction for it may say yes.
template <class Float>
struct AnyAbove {
  static NC_HD bool of(Float, Float) { return true; }
};

template <>
struct AnyAbove<float> {
  static NC_HD bool of(float a, float b) { return a > b; }
};

template <>
struct AnyAbove<double> {
  static NC_HD bool of(double a, double b) { return a > b; }
};

// Raise the reference to `top` where that is above by more than the headroom. Pixels do not see what
// others of their vector do.
template <class Float, class Scalar>
NC_HD void annealed_raise(AnnealedSums<Float>& sums, Float top, Float headroom,
                          Scalar inverse_temperature) {
  top = top - sums.top > headroom ? top : sums.top;
  const Float fall =
      (top == sums.top ? Float{} : sums.top - top) * static_cast<Scalar>(kLog2E);
  const Float shrink = exp2_nonpositive(fall);
  const Float annealed_shrink = exp2_nonpositive(fall * inverse_temperature);
  sums.top = top;
  sums.slope = shrink * (sums.slope + held_exponent(fall) * sums.sum);
  sums.sum = sums.sum * shrink;
  sums.weight = sums.weight * annealed_shrink;
  sums.a = sums.a * annealed_shrink;
  sums.b = sums.b * annealed_shrink;
}

// At usual temperatures, 1/3 ≤ T ≤ 1, both exponents come from one that is held where 2^(y / T) is least:
// there 2^y is below 2^-33, which is nothing beside the entropy's 1. At higher ones it would count in the
// mean, at lower ones in the entropy.
template <class Scalar>
NC_HD bool annealed_is_usual(Scalar inverse_temperature) {
  return inverse_temperature >= Scalar(1) && inverse_temperature <= Scalar(3);
}

// Take in `count` bins: z(k) is the k-th one's logit with its bias, bins has its a and b at 2k, 2k + 1.
template <class Float, bool Usual = false, class Scalar, class Logit>
NC_HD void annealed_absorb(AnnealedSums<Float>& sums, int count, const Logit& z,
                           const Scalar* bins, Scalar inverse_temperature, Scalar headroom) {
  const Scalar log2e = static_cast<Scalar>(kLog2E);
  const Float none = Float{} - static_cast<Scalar>(INFINITY);
  Float top = sums.top;
  for (int k = 0; k < count; ++k) {
    top = larger(z(k), top);  // NaN is passed over here and comes back below
  }
  const Float room = Float{} + headroom;
  if (AnyAbove<Float>::of(top - sums.top, room)) {
    annealed_raise(sums, top, room, inverse_temperature);
  }
  const Float base = sums.top == none ? Float{} : sums.top;
  const Float shift = base * log2e;
  const Float lowest = Float{} + static_cast<Scalar>(kLeastExponent) / inverse_temperature;
  for (int k = 0; k < count; ++k) {
    // A product with −inf would be NaN.
    Float held, annealed;
    if constexpr (Usual) {
      held = larger(lowest, z(k) * log2e - shift);
      annealed = WeightExponential<Float>::of_held(held * inverse_temperature);
    } else {
      const Float y = (z(k) - base) * log2e;
      held = held_exponent(y);
      annealed = weight_exponential(y * inverse_temperature);
    }
    const Float term = Exponential<Float>::of(held);
    sums.sum += term;
    sums.slope += term * held;
    sums.weight += annealed;
    sums.a += annealed * bins[2 * k];
    sums.b += annealed * bins[2 * k + 1];
  }
}

template <class Scalar>
struct AnnealedResult {
  Scalar a, b, entropy;
};

// The results of one pixel; inverse_log_count is 1 / log Q (any number for Q = 1).
template <class Scalar>
NC_HD AnnealedResult<Scalar> annealed_finish(const AnnealedSums<Scalar>& sums,
                                             Scalar inverse_log_count) {
  const Scalar nan = static_cast<Scalar>(NAN);
  const bool empty = sums.top == -static_cast<Scalar>(INFINITY);
  const Scalar nats =
      static_cast<Scalar>(log(sums.sum)) - static_cast<Scalar>(kLn2) * sums.slope / sums.sum;
  const Scalar width = nats * inverse_log_count;
  const Scalar entropy =
      width < Scalar(0) ? Scalar(0) : (width > Scalar(1) ? Scalar(1) : width);  // NaN stays
  return {empty ? nan : sums.a / sums.weight, empty ? nan : sums.b / sums.weight,
          empty ? nan : entropy};
}

}  // namespace napari_colorize
