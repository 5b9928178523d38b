// gamut_clip on the CPU: chroma scaled into sRGB at constant L and hue, and a mask of what was moved.
#include "colour_tensors.h"
#include "cpu/colour_blocks.h"
#include "cpu/memory.h"

#include <tuple>

namespace napari_colorize {

namespace {

template <class T>
void clip(const Tensor& lab, Tensor& inside, Tensor& clipped, const PixelLayout& layout) {
  const T* in = lab.const_data_ptr<T>();
  T* out = inside.mutable_data_ptr<T>();
  bool* mask = clipped.mutable_data_ptr<bool>();
  for_each_run_in_parallel(layout, [&](const PixelRun& run) {
    Planes<T> planes;
    load_planes(run, in, layout.in_channel, planes);
    gamut_clip_block(run.count, planes.plane(0), planes.plane(1), planes.plane(2),
                     mask + run.first);
    store_planes(run, planes, out, layout.out_channel);
  });
}

std::tuple<Tensor, Tensor> gamut_clip(const Tensor& lab, int64_t channel_dim) {
  const int64_t axis = checked_channel_axis(lab, channel_dim, "lab");
  check_lab_type(lab);
  Tensor inside = torch::stable::new_empty(lab, lab.sizes());
  Tensor clipped = new_mask_for(lab, axis);
  prepare_output(inside.mutable_data_ptr(), inside.numel() * inside.element_size());
  const auto run = lab.scalar_type() == ScalarType::Double ? clip<double> : clip<float>;
  run(lab, inside, clipped, layout_of(lab, inside, axis));
  return {inside, clipped};
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CPU, library) {
  library.impl("gamut_clip", TORCH_BOX(&napari_colorize::gamut_clip));
}
