// joint_bilateral_upsample on the CPU: tiles of full-size pixels, two chroma planes at a time.
#include "bilateral_checks.h"
#include "cpu/memory.h"
#include "cpu/upsample.h"

#include <algorithm>

namespace napari_colorize {

namespace {

template <class Scalar>
void upsample(const Tensor& chroma, const Tensor& guide_small, const Tensor& guide, Tensor& out,
              const upsampling::Plan<Scalar>& plan) {
  using namespace upsampling;
  const int64_t planes = chroma.size(1), height = guide.size(2), width = guide.size(3);
  const int64_t small_width = chroma.size(3), small_pixels = chroma.size(2) * small_width;
  const int64_t pixels = height * width, pairs = (planes + kPlanes - 1) / kPlanes;
  const auto* chroma_in = chroma.const_data_ptr<Scalar>();
  const auto* small_in = guide_small.const_data_ptr<Scalar>();
  const auto* guide_in = guide.const_data_ptr<Scalar>();
  auto* chroma_out = out.mutable_data_ptr<Scalar>();
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
        Scalar lightness[kRun], ab[kPlanes][kRun];
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
                                double sigma_range) {
  constexpr const char* name = "joint_bilateral_upsample";
  check_settings(name, 1, radius, sigma_space, sigma_range);
  check_planes(name, chroma);
  const int64_t h = chroma.size(2), w = chroma.size(3);
  check_guide(name, guide_small, chroma, h, w);
  STD_TORCH_CHECK(guide.dim() == 4, name, " takes a guide of shape (N, 1, H, W).");
  const int64_t height = guide.size(2), width = guide.size(3);
  check_guide(name, guide, chroma, height, width);
  check_upsample_sizes(name, chroma, height * width);
  Tensor out = torch::stable::new_empty(chroma, {chroma.size(0), chroma.size(1), height, width});
  if (out.numel() == 0) {
    return out;
  }
  advise_huge_pages(out.mutable_data_ptr(), out.numel() * out.element_size());
  const Tensor planes = torch::stable::contiguous(chroma);
  const Tensor small = torch::stable::contiguous(guide_small);
  const Tensor full = torch::stable::contiguous(guide);
  if (chroma.scalar_type() == ScalarType::Double) {
    const upsampling::Plan<double> plan(height, width, h, w, radius, sigma_space, sigma_range);
    upsample(planes, small, full, out, plan);
  } else {
    const upsampling::Plan<float> plan(height, width, h, w, radius, sigma_space, sigma_range);
    upsample(planes, small, full, out, plan);
  }
  return out;
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CPU, library) {
  library.impl("joint_bilateral_upsample", TORCH_BOX(&napari_colorize::joint_bilateral_upsample));
}
