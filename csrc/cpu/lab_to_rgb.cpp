// lab_to_rgb on the CPU: float32 or float64 in; the same or uint8 out.
#include "colour_tensors.h"
#include "cpu/colour_blocks.h"
#include "cpu/memory.h"

namespace napari_colorize {

namespace {

template <class T>
void convert(const Tensor& lab, Tensor& rgb, const PixelLayout& layout) {
  const T* in = lab.const_data_ptr<T>();
  T* out = rgb.mutable_data_ptr<T>();
  for_each_run_in_parallel(layout, [&](const PixelRun& run) {
    Planes<T> planes;
    codes_from_lab_block(run.count, channels_of(run, in, layout.in_channel, planes),
                         output_channels(run, out, layout.out_channel));
  });
}

template <class T>
void convert_to_bytes(const Tensor& lab, Tensor& rgb, const PixelLayout& layout) {
  const T* in = lab.const_data_ptr<T>();
  uint8_t* out = rgb.mutable_data_ptr<uint8_t>();
  for_each_run_in_parallel(layout, [&](const PixelRun& run) {
    Planes<T> planes;
    bytes_from_lab_block(run.count, channels_of(run, in, layout.in_channel, planes),
                         output_channels(run, out, layout.out_channel));
  });
}

Tensor lab_to_rgb(const Tensor& lab, int64_t channel_dim, bool to_uint8) {
  const int64_t axis = checked_channel_axis(lab, channel_dim, "lab");
  check_lab_type(lab);
  const ScalarType type = lab.scalar_type();
  Tensor rgb = torch::stable::new_empty(lab, lab.sizes(), to_uint8 ? ScalarType::Byte : type);
  advise_huge_pages(rgb.mutable_data_ptr(), rgb.numel() * rgb.element_size());
  const auto run = type == ScalarType::Double
                       ? (to_uint8 ? convert_to_bytes<double> : convert<double>)
                       : (to_uint8 ? convert_to_bytes<float> : convert<float>);
  run(lab, rgb, layout_of(lab, rgb, axis));
  return rgb;
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CPU, library) {
  library.impl("lab_to_rgb", TORCH_BOX(&napari_colorize::lab_to_rgb));
}
