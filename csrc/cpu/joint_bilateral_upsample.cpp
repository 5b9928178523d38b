// joint_bilateral_upsample on the CPU: tiles of full-size pixels, two chroma planes at a time.
#include "bilateral_tensors.h"
#include "cpu/memory.h"
#include "cpu/upsample.h"

#include <algorithm>

namespace napari_colorize {

namespace {

template <class Scalar>
void upsample(UpsampleTensors& tensors, int64_t radius, double sigma_space, double sigma_range) {
  using namespace upsampling;
  const Tensor &chroma = tensors.chroma, &guide = tensors.guide;
  const int64_t planes = chroma.size(1), height = guide.size(2), width = guide.size(3);
  const int64_t small_width = chroma.size(3), small_pixels = chroma.size(2) * small_width;
  const int64_t pixels = height * width, pairs = (planes + kPlanes - 1) / kPlanes;
  const Plan<Scalar> plan(height, width, tensors.piece, chroma.size(2), small_width, radius,
                          sigma_space, sigma_range);
  const auto* chroma_in = chroma.const_data_ptr<Scalar>();
  const auto* small_in = tensors.guide_small.const_data_ptr<Scalar>();
  const auto* guide_in = guide.const_data_ptr<Scalar>();
  auto* chroma_out = tensors.out.mutable_data_ptr<Scalar>();
  const TileGrid grid(chroma.size(0) * pairs, height, width);
  torch::stable::parallel_for(0, grid.count(), 1, [&](int64_t begin, int64_t end) {
    Tile<Scalar> tile;
    for (int64_t t = begin; t < end; ++t) {
      const auto place = grid.place(t);
      const int64_t n = place.group / pairs, c = place.group % pairs * kPlanes;
      const int used = static_cast<int>(std::min<int64_t>(kPlanes, planes - c));
      const Scalar* from = chroma_in + (n * planes + c) * small_pixels;
      tile.expand(plan, {small_in + n * small_pixels, {from, from + small_pixels}, used, small_width},
                  place.top, place.bottom, place.left, place.count);
      for (int64_t y = place.top; y < place.bottom; ++y) {
        alignas(kAlignment) Scalar lightness[kRun], ab[kPlanes][kRun];
        Scalar* const rows[kPlanes] = {ab[0], ab[1]};
        const int64_t first = y * width + place.left;
        std::copy_n(guide_in + n * pixels + first, place.count, lightness);
        tile.upsample_row(plan, y, lightness, rows);
        for (int k = 0; k < used; ++k) {
          std::copy_n(ab[k], place.count, chroma_out + (n * planes + c + k) * pixels + first);
        }
      }
    }
  });
}

Tensor joint_bilateral_upsample(const Tensor& chroma, const Tensor& guide_small,
                                const Tensor& guide, int64_t radius, double sigma_space,
                                double sigma_range, int64_t top, int64_t left,
                                int64_t full_height, int64_t full_width) {
  UpsampleTensors tensors(chroma, guide_small, guide, radius, sigma_space, sigma_range,
                          {top, left, full_height, full_width});
  if (tensors.out.numel() == 0) {
    return tensors.out;
  }
  advise_huge_pages(tensors.out.mutable_data_ptr(),
                    tensors.out.numel() * tensors.out.element_size());
  if (chroma.scalar_type() == ScalarType::Double) {
    upsample<double>(tensors, radius, sigma_space, sigma_range);
  } else {
    upsample<float>(tensors, radius, sigma_space, sigma_range);
  }
  return tensors.out;
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CPU, library) {
  library.impl("joint_bilateral_upsample", TORCH_BOX(&napari_colorize::joint_bilateral_upsample));
}
