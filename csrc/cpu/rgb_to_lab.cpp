// rgb_to_lab on the CPU: uint8 through a table of linear light, float32 and float64 by formula.
#include "colour_tensors.h"
#include "cpu/colour_blocks.h"
#include "cpu/memory.h"
#include "cpu/planes.h"
#include "math/tables.h"

namespace napari_colorize {

namespace {

template <class T>
void convert(const Tensor& rgb, Tensor& lab, const PixelLayout& layout) {
  const T* in = rgb.const_data_ptr<T>();
  T* out = lab.mutable_data_ptr<T>();
  for_each_run_in_parallel(layout, [&](const PixelRun& run) {
    Planes<T> planes;
    load_planes(run, in, layout.in_channel, planes);
    linear_from_code_block(run.count, planes.first);
    linear_from_code_block(run.count, planes.second);
    linear_from_code_block(run.count, planes.third);
    lab_from_linear_block(run.count, planes.first, planes.second, planes.third);
    store_planes(run, planes, out, layout.out_channel);
  });
}

void convert_bytes(const Tensor& rgb, Tensor& lab, const PixelLayout& layout) {
  const uint8_t* in = rgb.const_data_ptr<uint8_t>();
  float* out = lab.mutable_data_ptr<float>();
  const float* linear = math::code_tables<float>().linear;
  for_each_run_in_parallel(layout, [&](const PixelRun& run) {
    Planes<float> planes;
    const uint8_t* pixel = in + run.in;
    for (int64_t i = 0; i < run.count; ++i, pixel += run.in_step) {
      planes.first[i] = linear[pixel[0]];
      planes.second[i] = linear[pixel[layout.in_channel]];
      planes.third[i] = linear[pixel[2 * layout.in_channel]];
    }
    lab_from_linear_block(run.count, planes.first, planes.second, planes.third);
    store_planes(run, planes, out, layout.out_channel);
  });
}

Tensor rgb_to_lab(const Tensor& rgb, int64_t channel_dim) {
  const int64_t axis = checked_channel_axis(rgb, channel_dim, "rgb");
  Tensor lab = new_lab_for(rgb);
  advise_huge_pages(lab.mutable_data_ptr(), lab.numel() * lab.element_size());
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
