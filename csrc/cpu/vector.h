// Eight floats at once, for the loops where the compiler's own vectorisation leaves something on the
// table. Compilers without vector extensions (MSVC) get one float at a time from the same text.
#pragma once

#include "math/exponential.h"

namespace napari_colorize {

#if defined(__GNUC__)
typedef float FloatVector __attribute__((vector_size(32)));
typedef uint32_t BitsVector __attribute__((vector_size(32)));
constexpr int kVectorWidth = 8;

template <>
struct BitsOf<FloatVector> {
  using type = BitsVector;
};
#else
using FloatVector = float;
constexpr int kVectorWidth = 1;
#endif

// Unaligned load and store of any of the number types.
template <class Float, class Scalar>
NC_HD Float load_vector(const Scalar* from) {
  Float value;
  memcpy(&value, from, sizeof(value));
  return value;
}

template <class Float, class Scalar>
NC_HD void store_vector(Scalar* to, Float value) {
  memcpy(to, &value, sizeof(value));
}

}  // namespace napari_colorize
