// rgb_to_lab on the CPU: uint8 through a table of linear light, float32 and float64 by formula.
#include "colour_tensors.h"
#include "cpu/colour_blocks.h"
#include "cpu/memory.h"
#include "math/tables.h"

namespace napari_colorize {

namespace {

template <class T>
void convert(const Tensor& rgb, Tensor& lab, const PixelLayout& layout) {
  const T* in = rgb.const_data_ptr<T>();
  T* out = lab.mutable_data_ptr<T>();
  for_each_run_in_parallel(layout, [&](const PixelRun& run) {
    Planes<T> planes;
    lab_from_codes_block(run.count, channels_of(run, in, layout.in_channel, planes),
                         output_channels(run, out, layout.out_channel));
  });
}

void convert_bytes(const Tensor& rgb, Tensor& lab, const PixelLayout& layout) {
  const uint8_t* in = rgb.const_data_ptr<uint8_t>();
  float* out = lab.mutable_data_ptr<float>();
  const float* linear = math::code_tables<float>().linear;
  for_each_run_in_parallel(layout, [&](const PixelRun& run) {
    Planes<uint8_t> planes;
    lab_from_bytes_block(run.count, channels_of(run, in, layout.in_channel, planes), linear,
                         output_channels(run, out, layout.out_channel));
  });
}

Tensor rgb_to_lab(const Tensor& rgb, int64_t channel_dim) {
  const int64_t axis = checked_channel_axis(rgb, channel_dim, "rgb");
  Tensor lab = new_lab_for(rgb);
  prepare_output(lab.mutable_data_ptr(), lab.numel() * lab.element_size());
  const PixelLayout layout = layout_of(rgb, lab, axis);
  if (rgb.scalar_type() == ScalarType::Double) {
    convert<double>(rgb, lab, layout);
  } else if (rgb.scalar_type() == ScalarType::Float) {
    convert<float>(rgb, lab, layout);
  } else {
    convert_bytes(rgb, lab, layout);
  }
  return lab;
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CPU, library) {
  library.impl("rgb_to_lab", TORCH_BOX(&napari_colorize::rgb_to_lab));
}
