// lab_to_rgb on the CPU: float32 or float64 in; the same or uint8 out.
#include "colour_tensors.h"
#include "cpu/colour_blocks.h"
#include "cpu/memory.h"

namespace napari_colorize {

namespace {

// Large planes are streamed, where they lie alike to what a processor streams at once.
bool streams(const Tensor& rgb, const PixelLayout& layout) {
  constexpr int64_t line = 64;
  const int64_t bytes = rgb.numel() * rgb.element_size();
  return rgb.scalar_type() == ScalarType::Float && bytes >= static_cast<int64_t>(kStreamedBytes) &&
         layout.out_stride[layout.axes - 1] == 1 &&
         layout.out_channel * static_cast<int64_t>(sizeof(float)) % line == 0;
}

void convert(const Tensor& lab, Tensor& rgb, const PixelLayout& layout) {
  const float* in = lab.const_data_ptr<float>();
  float* out = rgb.mutable_data_ptr<float>();
  const bool streamed = streams(rgb, layout);
  torch::stable::parallel_for(0, layout.pixels, kPixelGrain, [&](int64_t begin, int64_t end) {
    for_each_run(layout, begin, end, [&](const PixelRun& run) {
      Planes<float> planes;
      codes_from_lab_block(run.count, channels_of(run, in, layout.in_channel, planes),
                           output_channels(run, out, layout.out_channel), streamed);
    });
    finish_streaming();
  });
}

void convert_doubles(const Tensor& lab, Tensor& rgb, const PixelLayout& layout) {
  const double* in = lab.const_data_ptr<double>();
  double* out = rgb.mutable_data_ptr<double>();
  for_each_run_in_parallel(layout, [&](const PixelRun& run) {
    Planes<double> planes;
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
  prepare_output(rgb.mutable_data_ptr(), rgb.numel() * rgb.element_size());
  const auto run = type == ScalarType::Double
                       ? (to_uint8 ? convert_to_bytes<double> : convert_doubles)
                       : (to_uint8 ? convert_to_bytes<float> : convert);
  run(lab, rgb, layout_of(lab, rgb, axis));
  return rgb;
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CPU, library) {
  library.impl("lab_to_rgb", TORCH_BOX(&napari_colorize::lab_to_rgb));
}
