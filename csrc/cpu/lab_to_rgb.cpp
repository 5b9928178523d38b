// lab_to_rgb on the CPU: float32 or float64 in; the same or uint8 out.
#include "cpu/colour_blocks.h"
#include "cpu/memory.h"
#include "cpu/planes.h"
#include "torch_stable.h"

namespace napari_colorize {

namespace {

template <class T>
void convert(const Tensor& lab, Tensor& rgb, int64_t axis) {
  const PixelWalk walk(lab, rgb, axis);
  const T* in = lab.const_data_ptr<T>();
  T* out = rgb.mutable_data_ptr<T>();
  walk.parallel_runs([&](const PixelRun& run) {
    Planes<T> planes;
    load_planes(run, in, walk.in_channel, planes);
    code_from_lab_block(run.count, planes.first, planes.second, planes.third);
    store_planes(run, planes, out, walk.out_channel);
  });
}

template <class T>
void convert_to_bytes(const Tensor& lab, Tensor& rgb, int64_t axis) {
  const PixelWalk walk(lab, rgb, axis);
  const T* in = lab.const_data_ptr<T>();
  uint8_t* out = rgb.mutable_data_ptr<uint8_t>();
  walk.parallel_runs([&](const PixelRun& run) {
    Planes<T> planes;
    load_planes(run, in, walk.in_channel, planes);
    code_from_lab_block(run.count, planes.first, planes.second, planes.third);
    uint8_t* pixel = out + run.out;
    byte_from_code_block(run.count, planes.first, pixel, run.out_step);
    byte_from_code_block(run.count, planes.second, pixel + walk.out_channel, run.out_step);
    byte_from_code_block(run.count, planes.third, pixel + 2 * walk.out_channel, run.out_step);
  });
}

Tensor lab_to_rgb(const Tensor& lab, int64_t channel_dim, bool to_uint8) {
  const int64_t axis = checked_channel_axis(lab, channel_dim, "lab");
  const ScalarType type = lab.scalar_type();
  const bool is_double = type == ScalarType::Double;
  STD_TORCH_CHECK(type == ScalarType::Float || is_double, "lab must be float32 or float64.");
  Tensor rgb = torch::stable::new_empty(lab, lab.sizes(), to_uint8 ? ScalarType::Byte : type);
  advise_huge_pages(rgb.mutable_data_ptr(), rgb.numel() * rgb.element_size());
  if (to_uint8) {
    is_double ? convert_to_bytes<double>(lab, rgb, axis) : convert_to_bytes<float>(lab, rgb, axis);
  } else {
    is_double ? convert<double>(lab, rgb, axis) : convert<float>(lab, rgb, axis);
  }
  return rgb;
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CPU, library) {
  library.impl("lab_to_rgb", TORCH_BOX(&napari_colorize::lab_to_rgb));
}
