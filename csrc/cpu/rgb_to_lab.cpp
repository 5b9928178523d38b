// rgb_to_lab on the CPU: uint8 through a table of linear light, float32 and float64 by formula.
#include "cpu/colour_blocks.h"
#include "cpu/memory.h"
#include "cpu/planes.h"
#include "math/tables.h"
#include "torch_stable.h"

namespace napari_colorize {

namespace {

template <class T>
void convert(const Tensor& rgb, Tensor& lab, int64_t axis) {
  const PixelWalk walk(rgb, lab, axis);
  const T* in = rgb.const_data_ptr<T>();
  T* out = lab.mutable_data_ptr<T>();
  walk.parallel_runs([&](const PixelRun& run) {
    Planes<T> planes;
    load_planes(run, in, walk.in_channel, planes);
    linear_from_code_block(run.count, planes.first);
    linear_from_code_block(run.count, planes.second);
    linear_from_code_block(run.count, planes.third);
    lab_from_linear_block(run.count, planes.first, planes.second, planes.third);
    store_planes(run, planes, out, walk.out_channel);
  });
}

void convert_bytes(const Tensor& rgb, Tensor& lab, int64_t axis) {
  const PixelWalk walk(rgb, lab, axis);
  const uint8_t* in = rgb.const_data_ptr<uint8_t>();
  float* out = lab.mutable_data_ptr<float>();
  const float* linear = math::code_tables<float>().linear;
  walk.parallel_runs([&](const PixelRun& run) {
    Planes<float> planes;
    const uint8_t* pixel = in + run.in;
    for (int64_t i = 0; i < run.count; ++i, pixel += run.in_step) {
      planes.first[i] = linear[pixel[0]];
      planes.second[i] = linear[pixel[walk.in_channel]];
      planes.third[i] = linear[pixel[2 * walk.in_channel]];
    }
    lab_from_linear_block(run.count, planes.first, planes.second, planes.third);
    store_planes(run, planes, out, walk.out_channel);
  });
}

Tensor rgb_to_lab(const Tensor& rgb, int64_t channel_dim) {
  const int64_t axis = checked_channel_axis(rgb, channel_dim, "rgb");
  const ScalarType type = rgb.scalar_type();
  const bool is_double = type == ScalarType::Double;
  STD_TORCH_CHECK(type == ScalarType::Byte || type == ScalarType::Float || is_double,
                  "rgb must be uint8, float32 or float64.");
  Tensor lab = torch::stable::new_empty(
      rgb, rgb.sizes(), is_double ? ScalarType::Double : ScalarType::Float);
  advise_huge_pages(lab.mutable_data_ptr(), lab.numel() * lab.element_size());
  if (is_double) {
    convert<double>(rgb, lab, axis);
  } else if (type == ScalarType::Float) {
    convert<float>(rgb, lab, axis);
  } else {
    convert_bytes(rgb, lab, axis);
  }
  return lab;
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CPU, library) {
  library.impl("rgb_to_lab", TORCH_BOX(&napari_colorize::rgb_to_lab));
}
