// Loops written once over GNU vectors and compiled for the widest registers a processor has.
//
// NC_VECTOR_VERSIONS(name, Argument, …) defines void name(const Argument& argument) whose body, the
// rest, may speak of Vector: sixteen floats under AVX-512, eight otherwise. One version an
// instruction set, the best chosen when the library loads, as NC_MULTIVERSION does for loops that
// need no types of their own; external linkage, and whatever the body calls must be NC_HD.
#pragma once

#include "cpu/multiversion.h"
#include "cpu/vector.h"
#include "math/exponential.h"

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12 && defined(__x86_64__) && \
    defined(__linux__)
#define NC_WIDE_VECTORS 1
#endif

namespace napari_colorize {

#if defined(NC_WIDE_VECTORS)

typedef float WideVector __attribute__((vector_size(64)));

// AVX-512 takes floors apart and scales by powers of two in one instruction each: seven instructions
// instead of ten. Assembly, because intrinsics cannot be inlined through functions that are shared
// with narrower versions.
template <>
struct WeightExponential<WideVector> {
  static NC_HD WideVector of(WideVector x) {
    const WideVector lowest = WideVector{} + kLeastExponent;
    asm("vmaxps %1, %2, %0" : "=v"(x) : "v"(x), "v"(lowest));  // in this order NaN stays NaN
    return of_held(x);
  }

  static NC_HD WideVector of_held(WideVector x) {
    WideVector fraction, weight;
    asm("vreduceps $9, %1, %0" : "=v"(fraction) : "v"(x));
    const WideVector power = floor_power(fraction);
    asm("vscalefps %2, %1, %0" : "=v"(weight) : "v"(power), "v"(x));
    return weight;
  }
};

#define NC_VECTOR_VERSIONS(name, Argument, ...)                                       \
  __attribute__((target("arch=x86-64-v4"))) void name(const Argument& argument) {     \
    using Vector = WideVector;                                                        \
    __VA_ARGS__;                                                                      \
  }                                                                                   \
  __attribute__((target("arch=x86-64-v3"))) void name(const Argument& argument) {     \
    using Vector = FloatVector;                                                       \
    __VA_ARGS__;                                                                      \
  }                                                                                   \
  __attribute__((target("default"))) void name(const Argument& argument) {            \
    using Vector = FloatVector;                                                       \
    __VA_ARGS__;                                                                      \
  }

#else

#define NC_VECTOR_VERSIONS(name, Argument, ...) \
  void name(const Argument& argument) {         \
    using Vector = FloatVector;                 \
    __VA_ARGS__;                                \
  }

#endif

// Numbers in a vector, or in a scalar that stands for one.
template <class Float, class Scalar>
constexpr int kLanes = static_cast<int>(sizeof(Float) / sizeof(Scalar));

}  // namespace napari_colorize
