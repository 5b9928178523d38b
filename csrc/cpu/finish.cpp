// finish on the CPU: lightness and small chroma to 8-bit sRGB in one pass. A run of pixels is
// upsampled, moved into the gamut, converted and written while it stays in the first-level cache.
#include "bilateral_tensors.h"
#include "cpu/colour_blocks.h"
#include "cpu/memory.h"
#include "cpu/multiversion.h"
#include "cpu/pixels.h"
#include "cpu/upsample.h"
#include "math/gamut.h"
#include "math/tables.h"

#include <algorithm>
#include <tuple>

namespace napari_colorize {

namespace finishing {

using upsampling::kRun;
static_assert(kRun <= kPixelBlock, "the colour loops take runs of kPixelBlock at most");

// A run of pixels on its way from Lab to bytes.
struct Run {
  int64_t count;
  alignas(upsampling::kAlignment) float lightness[kRun], ab[2][kRun];
  float code[3][kRun];
  int32_t outside[kRun];  // of the gamut: 0 or 1
  uint8_t byte[3][kRun];
};

// Codes of all pixels as if all were inside, and which are not.
NC_MULTIVERSION void finish_codes(Run& run) {
  NC_INDEPENDENT
  for (int64_t i = 0; i < run.count; ++i) {
    const auto linear = math::linear_from_lab(run.lightness[i], run.ab[0][i], run.ab[1][i]);
    const bool fits = math::is_within(linear, math::all_bounds<float>());
    run.outside[i] = !(fits & math::lightness_is_valid(run.lightness[i]));
    run.code[0][i] = math::code_from_linear(linear.first);
    run.code[1][i] = math::code_from_linear(linear.second);
    run.code[2][i] = math::code_from_linear(linear.third);
  }
}

NC_MULTIVERSION void finish_bytes(Run& run, uint8_t* __restrict rgb, bool* __restrict clipped) {
  for (int channel = 0; channel < 3; ++channel) {
    const float* __restrict code = run.code[channel];
    uint8_t* __restrict byte = run.byte[channel];
    for (int64_t i = 0; i < run.count; ++i) {
      byte[i] = math::byte_from_code(code[i]);
    }
  }
  for (int64_t i = 0; i < run.count; ++i) {
    rgb[3 * i] = run.byte[0][i];
    rgb[3 * i + 1] = run.byte[1][i];
    rgb[3 * i + 2] = run.byte[2][i];
  }
  for (int64_t i = 0; i < run.count; ++i) {
    clipped[i] = run.outside[i] != 0;
  }
}

}  // namespace finishing

namespace {

using finishing::kRun;
using finishing::Run;

void load_lightness(const uint8_t* codes, int count, float* lightness) {
  const auto& table = math::code_tables<float>().lightness;
  for (int x = 0; x < count; ++x) {
    lightness[x] = table[codes[x]];
  }
}

void load_lightness(const float* values, int count, float* lightness) {
  std::copy_n(values, count, lightness);
}

// Moves the colours outside the gamut into it, packed together: most runs have few.
void move_outsiders(Run& run) {
  int64_t place[kRun], count = 0;
  Planes<float> lab, codes;
  float *lightness = lab.plane(0), *a = lab.plane(1), *b = lab.plane(2);
  bool moved[kRun];
  for (int64_t i = 0; i < run.count; ++i) {
    place[count] = i;
    lightness[count] = run.lightness[i];
    a[count] = run.ab[0][i];
    b[count] = run.ab[1][i];
    count += run.outside[i];
  }
  if (count == 0) {
    return;
  }
  gamut_clip_block(count, lightness, a, b, moved);
  codes_from_lab_block(count, {lightness, kPixelBlock, 1}, codes.channels());
  for (int channel = 0; channel < 3; ++channel) {
    for (int64_t i = 0; i < count; ++i) {
      run.code[channel][place[i]] = codes.plane(channel)[i];
    }
  }
}

template <class Luma>
void finish_images(FinishTensors& tensors, const upsampling::Plan<float>& plan) {
  using namespace upsampling;
  const Tensor &luma = tensors.luma, &chroma = tensors.chroma;
  const int64_t images = luma.size(0), height = luma.size(1), width = luma.size(2);
  const int64_t small_width = chroma.size(3), small_pixels = chroma.size(2) * small_width;
  const auto* luma_in = luma.const_data_ptr<Luma>();
  const auto* chroma_in = chroma.const_data_ptr<float>();
  const auto* small_in = tensors.guide_small.const_data_ptr<float>();
  auto* rgb_out = tensors.rgb.mutable_data_ptr<uint8_t>();
  auto* clipped_out = tensors.clipped.mutable_data_ptr<bool>();
  const TileGrid grid(images, height, width);
  torch::stable::parallel_for(0, grid.count(), 1, [&](int64_t begin, int64_t end) {
    Tile<float> tile;
    Run run;
    for (int64_t t = begin; t < end; ++t) {
      const auto place = grid.place(t);
      const float* from = chroma_in + place.group * 2 * small_pixels;
      tile.expand(plan,
                  {small_in + place.group * small_pixels, {from, from + small_pixels}, 2, small_width},
                  place.top, place.bottom, place.left, place.count);
      run.count = place.count;
      for (int64_t y = place.top; y < place.bottom; ++y) {
        alignas(kAlignment) float guide[kRun];
        float* const rows[2] = {run.ab[0], run.ab[1]};
        const int64_t first = (place.group * height + y) * width + place.left;
        load_lightness(luma_in + first, place.count, run.lightness);
        std::copy_n(run.lightness, place.count, guide);
        tile.upsample_row(plan, y, guide, rows);
        finishing::finish_codes(run);
        move_outsiders(run);
        finishing::finish_bytes(run, rgb_out + 3 * first, clipped_out + first);
      }
    }
  });
}

std::tuple<Tensor, Tensor> finish(const Tensor& luma, const Tensor& chroma,
                                  const Tensor& guide_small, int64_t radius, double sigma_space,
                                  double sigma_range, int64_t top, int64_t left,
                                  int64_t full_height, int64_t full_width) {
  FinishTensors tensors(luma, chroma, guide_small, radius, sigma_space, sigma_range,
                        {top, left, full_height, full_width});
  if (luma.numel() > 0) {
    prepare_output(tensors.rgb.mutable_data_ptr(), tensors.rgb.numel());
    const upsampling::Plan<float> plan(luma.size(1), luma.size(2), tensors.piece, chroma.size(2),
                                       chroma.size(3), radius, sigma_space, sigma_range);
    if (luma.scalar_type() == ScalarType::Byte) {
      finish_images<uint8_t>(tensors, plan);
    } else {
      finish_images<float>(tensors, plan);
    }
  }
  return {tensors.rgb, tensors.clipped};
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CPU, library) {
  library.impl("finish", TORCH_BOX(&napari_colorize::finish));
}
