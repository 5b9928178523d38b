// Launchers of the joint bilateral kernels and of finish: raw device pointers to contiguous tensors,
// sizes and a stream; the return value is cudaGetLastError(). The glue has checked everything.
#pragma once

#include <cstdint>

namespace napari_colorize::cuda {

// chroma, out (images, planes, height, width); guide (images, height, width).
template <class Scalar>
struct Filtering {
  const Scalar* chroma;
  const Scalar* guide;
  Scalar* out;
  int64_t images, planes, height, width;
  int radius;
  double sigma_space, sigma_range;
};

int joint_bilateral(const Filtering<float>& task, void* stream);
int joint_bilateral(const Filtering<double>& task, void* stream);

// The small images, (images, planes, small_height, small_width) and one plane of guide, and how to
// look at them from a full-size image.
template <class Scalar>
struct Small {
  const Scalar* chroma;
  const Scalar* guide;
  int64_t images, planes, small_height, small_width, height, width;
  int64_t top, left, full_height, full_width;  // where these pixels lie in their picture
  int radius;
  double sigma_space, sigma_range;
};

// guide (images, height, width) to out (images, planes, height, width).
int joint_bilateral_upsample(const Small<float>& small, const float* guide, float* out,
                             void* stream);
int joint_bilateral_upsample(const Small<double>& small, const double* guide, double* out,
                             void* stream);

// luma (images, height, width), sRGB codes or L, to rgb (images, height, width, 3) and clipped.
int finish(const Small<float>& small, const uint8_t* luma, uint8_t* rgb, bool* clipped,
           void* stream);
int finish(const Small<float>& small, const float* luma, uint8_t* rgb, bool* clipped,
           void* stream);

}  // namespace napari_colorize::cuda
