// What the colour operators share on every device: checks at the door, outputs, pixel layouts.
#pragma once

#include <vector>

#include "math/pixel_layout.h"
#include "torch_stable.h"

namespace napari_colorize {

// Returns channel_dim as a non-negative axis, after checking that it holds three channels.
inline int64_t checked_channel_axis(const Tensor& tensor, int64_t channel_dim, const char* name) {
  const int64_t dims = tensor.dim();
  STD_TORCH_CHECK(dims <= kMaxAxes, name, " has ", dims, " axes; at most ", kMaxAxes,
                  " are supported.");
  STD_TORCH_CHECK(channel_dim >= -dims && channel_dim < dims, "channel_dim is ", channel_dim,
                  ", and ", name, " has ", dims, " axes.");
  const int64_t axis = channel_dim < 0 ? channel_dim + dims : channel_dim;
  STD_TORCH_CHECK(tensor.size(axis) == 3, name, " must have three channels along axis ",
                  channel_dim, ", and it has ", tensor.size(axis), ".");
  return axis;
}

inline void check_lab_type(const Tensor& lab) {
  STD_TORCH_CHECK(
      lab.scalar_type() == ScalarType::Float || lab.scalar_type() == ScalarType::Double,
      "lab must be float32 or float64.");
}

inline PixelLayout layout_of(const Tensor& in, const Tensor& out, int64_t channel_axis) {
  PixelLayout layout;
  layout.in_channel = in.stride(channel_axis);
  layout.out_channel = out.stride(channel_axis);
  for (int64_t axis = 0; axis < in.dim(); ++axis) {
    if (axis != channel_axis) {
      layout.add_axis(in.size(axis), in.stride(axis), out.stride(axis));
    }
  }
  return layout;
}

// A contiguous, uninitialised Lab image for an RGB one: float64 for float64, else float32.
inline Tensor new_lab_for(const Tensor& rgb) {
  const ScalarType type = rgb.scalar_type();
  STD_TORCH_CHECK(
      type == ScalarType::Byte || type == ScalarType::Float || type == ScalarType::Double,
      "rgb must be uint8, float32 or float64.");
  return torch::stable::new_empty(
      rgb, rgb.sizes(), type == ScalarType::Double ? ScalarType::Double : ScalarType::Float);
}

// A contiguous, uninitialised bool mask with a value a pixel.
inline Tensor new_mask_for(const Tensor& lab, int64_t channel_axis) {
  std::vector<int64_t> pixels;
  for (int64_t axis = 0; axis < lab.dim(); ++axis) {
    if (axis != channel_axis) {
      pixels.push_back(lab.size(axis));
    }
  }
  return torch::stable::new_empty(lab, pixels, ScalarType::Bool);
}

}  // namespace napari_colorize
