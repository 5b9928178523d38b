// gamut_clip on the CPU: chroma scaled into sRGB at constant L and hue, and a mask of what was moved.
#include "cpu/colour_blocks.h"
#include "cpu/memory.h"
#include "cpu/planes.h"
#include "torch_stable.h"

#include <tuple>
#include <vector>

namespace napari_colorize {

namespace {

template <class T>
void clip(const Tensor& lab, Tensor& inside, Tensor& clipped, int64_t axis) {
  const PixelWalk walk(lab, inside, axis);
  const T* in = lab.const_data_ptr<T>();
  T* out = inside.mutable_data_ptr<T>();
  bool* mask = clipped.mutable_data_ptr<bool>();
  walk.parallel_runs([&](const PixelRun& run) {
    Planes<T> planes;
    load_planes(run, in, walk.in_channel, planes);
    gamut_clip_block(run.count, planes.first, planes.second, planes.third, mask + run.first);
    store_planes(run, planes, out, walk.out_channel);
  });
}

std::tuple<Tensor, Tensor> gamut_clip(const Tensor& lab, int64_t channel_dim) {
  const int64_t axis = checked_channel_axis(lab, channel_dim, "lab");
  const ScalarType type = lab.scalar_type();
  STD_TORCH_CHECK(type == ScalarType::Float || type == ScalarType::Double,
                  "lab must be float32 or float64.");
  std::vector<int64_t> pixels;
  for (int64_t i = 0; i < lab.dim(); ++i) {
    if (i != axis) {
      pixels.push_back(lab.size(i));
    }
  }
  Tensor inside = torch::stable::new_empty(lab, lab.sizes());
  Tensor clipped = torch::stable::new_empty(lab, pixels, ScalarType::Bool);
  advise_huge_pages(inside.mutable_data_ptr(), inside.numel() * inside.element_size());
  if (type == ScalarType::Double) {
    clip<double>(lab, inside, clipped, axis);
  } else {
    clip<float>(lab, inside, clipped, axis);
  }
  return {inside, clipped};
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CPU, library) {
  library.impl("gamut_clip", TORCH_BOX(&napari_colorize::gamut_clip));
}
