// The launchers of csrc/cuda under plain C names, for ctypes: pointers first, then sizes and settings.
// Sizes of upsampling: images, planes, small and full rows and columns, and where these lie in what.
#include "cuda/bilateral.h"
#include "cuda/bilateral_gradients.h"

using namespace napari_colorize::cuda;

#define NC_CALLS(Scalar, suffix)                                                                  \
  extern "C" int joint_bilateral_##suffix(const Scalar* chroma, const Scalar* guide, Scalar* out, \
                                          const int64_t* size, int radius, double space,          \
                                          double range) {                                         \
    return joint_bilateral(Filtering<Scalar>{chroma, guide, out, size[0], size[1], size[2],       \
                                             size[3], radius, space, range},                      \
                           nullptr);                                                              \
  }                                                                                               \
  extern "C" int joint_bilateral_backward_##suffix(                                               \
      const Scalar* gradient, const Scalar* chroma, const Scalar* guide, const Scalar* out,       \
      Scalar* reciprocal, Scalar* to_chroma, Scalar* to_guide, const int64_t* size, int radius,   \
      double space, double range) {                                                               \
    return joint_bilateral_backward(                                                              \
        FilterGradients<Scalar>{gradient, chroma, guide, out, reciprocal, to_chroma, to_guide,    \
                                size[0], size[1], size[2], size[3], radius, space, range},        \
        nullptr);                                                                                 \
  }                                                                                               \
  static Small<Scalar> small_of(const Scalar* chroma, const Scalar* guide, const int64_t* size,   \
                                int radius, double space, double range) {                         \
    return {chroma,  guide,   size[0], size[1], size[2], size[3], size[4], size[5], size[6],      \
            size[7], size[8], size[9], radius,  space,   range};                                  \
  }                                                                                               \
  extern "C" int joint_bilateral_upsample_##suffix(                                               \
      const Scalar* chroma, const Scalar* guide_small, const Scalar* guide, Scalar* out,          \
      const int64_t* size, int radius, double space, double range) {                              \
    return joint_bilateral_upsample(small_of(chroma, guide_small, size, radius, space, range),    \
                                    guide, out, nullptr);                                         \
  }                                                                                               \
  extern "C" int joint_bilateral_upsample_backward_##suffix(                                      \
      const Scalar* gradient, const Scalar* chroma, const Scalar* guide_small,                    \
      const Scalar* guide, const Scalar* out, Scalar* reciprocal, Scalar* to_chroma,              \
      Scalar* to_small, Scalar* to_guide, const int64_t* size, int radius, double space,          \
      double range) {                                                                             \
    return joint_bilateral_upsample_backward(                                                     \
        UpsampleGradients<Scalar>{small_of(chroma, guide_small, size, radius, space, range),      \
                                  gradient, guide, out, reciprocal, to_chroma, to_small,          \
                                  to_guide},                                                      \
        nullptr);                                                                                 \
  }

NC_CALLS(float, float32)
NC_CALLS(double, float64)

extern "C" int finish_uint8(const uint8_t* luma, const float* chroma, const float* guide_small,
                            uint8_t* rgb, bool* clipped, const int64_t* size, int radius,
                            double space, double range) {
  return finish(small_of(chroma, guide_small, size, radius, space, range), luma, rgb, clipped,
                nullptr);
}

extern "C" int finish_float32(const float* luma, const float* chroma, const float* guide_small,
                              uint8_t* rgb, bool* clipped, const int64_t* size, int radius,
                              double space, double range) {
  return finish(small_of(chroma, guide_small, size, radius, space, range), luma, rgb, clipped,
                nullptr);
}
