// Launchers of the gradients of the joint bilateral filter and of its upsampling, as those of
// cuda/bilateral.h. Results that are not asked for are null; `reciprocal` is one plane an image to
// work with.
#pragma once

#include "cuda/bilateral.h"

namespace napari_colorize::cuda {

// gradient, chroma, out, to_chroma (images, planes, height, width); the others (images, height, width).
template <class Scalar>
struct FilterGradients {
  const Scalar *gradient, *chroma, *guide, *out;
  Scalar *reciprocal, *to_chroma, *to_guide;
  int64_t images, planes, height, width;
  int radius;
  double sigma_space, sigma_range;
};

int joint_bilateral_backward(const FilterGradients<float>& task, void* stream);
int joint_bilateral_backward(const FilterGradients<double>& task, void* stream);

// gradient and out like the upsampling's result, guide, reciprocal and to_guide (images, height,
// width); to_chroma and to_small like the small images.
template <class Scalar>
struct UpsampleGradients {
  Small<Scalar> small;
  const Scalar *gradient, *guide, *out;
  Scalar *reciprocal, *to_chroma, *to_small, *to_guide;
};

int joint_bilateral_upsample_backward(const UpsampleGradients<float>& task, void* stream);
int joint_bilateral_upsample_backward(const UpsampleGradients<double>& task, void* stream);

}  // namespace napari_colorize::cuda
