// finish on the CPU: lightness and small chroma to 8-bit sRGB in one pass. A run of pixels is
// upsampled, moved into the gamut, converted and written while it stays in the first-level cache.
#include "bilateral_checks.h"
#include "cpu/colour_blocks.h"
#include "cpu/memory.h"
#include "cpu/pixels.h"
#include "cpu/upsample.h"
#include "math/tables.h"

#include <algorithm>
#include <tuple>

namespace napari_colorize {

namespace {

using upsampling::kRun;
static_assert(kRun <= kPixelBlock, "the colour loops take runs of kPixelBlock at most");

void load_lightness(const uint8_t* codes, int count, float* lightness) {
  const auto& table = math::code_tables<float>().lightness;
  for (int x = 0; x < count; ++x) {
    lightness[x] = table[codes[x]];
  }
}

void load_lightness(const float* values, int count, float* lightness) {
  std::copy_n(values, count, lightness);
}

// Colour `count` pixels whose lightness and ab are given; all three buffers are overwritten.
void write_colours(int count, float* lightness, float* a, float* b, uint8_t* rgb, bool* clipped) {
  gamut_clip_block(count, lightness, a, b, clipped);
  code_from_lab_block(count, lightness, a, b);
  byte_from_code_block(count, lightness, rgb, 3);
  byte_from_code_block(count, a, rgb + 1, 3);
  byte_from_code_block(count, b, rgb + 2, 3);
}

template <class Luma>
void finish_images(const Tensor& luma, const Tensor& chroma, const Tensor& guide_small,
                   const upsampling::Plan<float>& plan, Tensor& rgb, Tensor& clipped) {
  using namespace upsampling;
  const int64_t images = luma.size(0), height = luma.size(1), width = luma.size(2);
  const int64_t small_width = chroma.size(3), small_pixels = chroma.size(2) * small_width;
  const auto* luma_in = luma.const_data_ptr<Luma>();
  const auto* chroma_in = chroma.const_data_ptr<float>();
  const auto* small_in = guide_small.const_data_ptr<float>();
  auto* rgb_out = rgb.mutable_data_ptr<uint8_t>();
  auto* clipped_out = clipped.mutable_data_ptr<bool>();
  const TileGrid grid(images, height, width);
  torch::stable::parallel_for(0, grid.count(), 1, [&](int64_t begin, int64_t end) {
    Tile<float> tile;
    for (int64_t t = begin; t < end; ++t) {
      const auto place = grid.place(t);
      const float* from = chroma_in + place.group * 2 * small_pixels;
      tile.expand(plan,
                  {small_in + place.group * small_pixels, {from, from + small_pixels}, 2, small_width},
                  place.top, place.bottom, place.left, place.count);
      for (int64_t y = place.top; y < place.bottom; ++y) {
        float lightness[kRun], guide[kRun], ab[2][kRun];
        float* const rows[2] = {ab[0], ab[1]};
        const int64_t first = (place.group * height + y) * width + place.left;
        load_lightness(luma_in + first, place.count, lightness);
        std::copy_n(lightness, place.count, guide);
        tile.upsample_row(plan, y, guide, rows);
        write_colours(place.count, lightness, ab[0], ab[1], rgb_out + 3 * first,
                      clipped_out + first);
      }
    }
  });
}

std::tuple<Tensor, Tensor> finish(const Tensor& luma, const Tensor& chroma,
                                  const Tensor& guide_small, int64_t radius, double sigma_space,
                                  double sigma_range) {
  check_settings("finish", 1, radius, sigma_space, sigma_range);
  check_finish(luma, chroma, guide_small);
  const int64_t n = luma.size(0), height = luma.size(1), width = luma.size(2);
  Tensor rgb = torch::stable::new_empty(luma, {n, height, width, 3}, ScalarType::Byte);
  Tensor clipped = torch::stable::new_empty(luma, {n, height, width}, ScalarType::Bool);
  if (luma.numel() == 0) {
    return {rgb, clipped};
  }
  advise_huge_pages(rgb.mutable_data_ptr(), rgb.numel());
  const Tensor full = torch::stable::contiguous(luma);
  const Tensor planes = torch::stable::contiguous(chroma);
  const Tensor small = torch::stable::contiguous(guide_small);
  const upsampling::Plan<float> plan(height, width, chroma.size(2), chroma.size(3), radius,
                                     sigma_space, sigma_range);
  if (luma.scalar_type() == ScalarType::Byte) {
    finish_images<uint8_t>(full, planes, small, plan, rgb, clipped);
  } else {
    finish_images<float>(full, planes, small, plan, rgb, clipped);
  }
  return {rgb, clipped};
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CPU, library) {
  library.impl("finish", TORCH_BOX(&napari_colorize::finish));
}
