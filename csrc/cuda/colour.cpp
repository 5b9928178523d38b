// The colour operators on CUDA tensors: checks, outputs, and one launch each.
#include "colour_tensors.h"
#include "cuda/colour.h"
#include "cuda/glue.h"

#include <tuple>

namespace napari_colorize {

namespace {

Tensor rgb_to_lab(const Tensor& rgb, int64_t channel_dim) {
  const int64_t axis = checked_channel_axis(rgb, channel_dim, "rgb");
  const auto guard = device_guard(rgb);
  Tensor lab = new_lab_for(rgb);
  const PixelLayout layout = layout_of(rgb, lab, axis);
  void* stream = current_stream(rgb);
  int status = 0;
  if (rgb.scalar_type() == ScalarType::Double) {
    status = cuda::rgb_to_lab(rgb.const_data_ptr<double>(), lab.mutable_data_ptr<double>(), layout,
                              stream);
  } else if (rgb.scalar_type() == ScalarType::Float) {
    status = cuda::rgb_to_lab(rgb.const_data_ptr<float>(), lab.mutable_data_ptr<float>(), layout,
                              stream);
  } else {
    status = cuda::rgb_to_lab(rgb.const_data_ptr<uint8_t>(), lab.mutable_data_ptr<float>(), layout,
                              stream);
  }
  check_launch(status, "rgb_to_lab");
  return lab;
}

template <class T>
int launch_lab_to_rgb(const Tensor& lab, Tensor& rgb, const PixelLayout& layout, bool to_uint8) {
  const T* in = lab.const_data_ptr<T>();
  void* stream = current_stream(lab);
  return to_uint8 ? cuda::lab_to_rgb(in, rgb.mutable_data_ptr<uint8_t>(), layout, stream)
                  : cuda::lab_to_rgb(in, rgb.mutable_data_ptr<T>(), layout, stream);
}

Tensor lab_to_rgb(const Tensor& lab, int64_t channel_dim, bool to_uint8) {
  const int64_t axis = checked_channel_axis(lab, channel_dim, "lab");
  check_lab_type(lab);
  const auto guard = device_guard(lab);
  const ScalarType type = lab.scalar_type();
  Tensor rgb = torch::stable::new_empty(lab, lab.sizes(), to_uint8 ? ScalarType::Byte : type);
  const PixelLayout layout = layout_of(lab, rgb, axis);
  check_launch(type == ScalarType::Double
                   ? launch_lab_to_rgb<double>(lab, rgb, layout, to_uint8)
                   : launch_lab_to_rgb<float>(lab, rgb, layout, to_uint8),
               "lab_to_rgb");
  return rgb;
}

template <class T>
int launch_gamut_clip(const Tensor& lab, Tensor& inside, Tensor& clipped,
                      const PixelLayout& layout) {
  return cuda::gamut_clip(lab.const_data_ptr<T>(), inside.mutable_data_ptr<T>(),
                          clipped.mutable_data_ptr<bool>(), layout, current_stream(lab));
}

std::tuple<Tensor, Tensor> gamut_clip(const Tensor& lab, int64_t channel_dim) {
  const int64_t axis = checked_channel_axis(lab, channel_dim, "lab");
  check_lab_type(lab);
  const auto guard = device_guard(lab);
  Tensor inside = torch::stable::new_empty(lab, lab.sizes());
  Tensor clipped = new_mask_for(lab, axis);
  const PixelLayout layout = layout_of(lab, inside, axis);
  check_launch(lab.scalar_type() == ScalarType::Double
                   ? launch_gamut_clip<double>(lab, inside, clipped, layout)
                   : launch_gamut_clip<float>(lab, inside, clipped, layout),
               "gamut_clip");
  return {inside, clipped};
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CUDA, library) {
  library.impl("rgb_to_lab", TORCH_BOX(&napari_colorize::rgb_to_lab));
  library.impl("lab_to_rgb", TORCH_BOX(&napari_colorize::lab_to_rgb));
  library.impl("gamut_clip", TORCH_BOX(&napari_colorize::gamut_clip));
}
