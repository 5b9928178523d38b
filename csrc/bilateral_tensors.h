// What the bilateral operators need on any device: arguments that are checked and contiguous, results
// of the right shape, not yet filled.
#pragma once

#include "bilateral_checks.h"

// Torch hides the type of these structs' fields.
#if defined(__GNUC__)
#define NC_LOCAL __attribute__((visibility("hidden")))
#else
#define NC_LOCAL
#endif

namespace napari_colorize {

// Of joint_bilateral and joint_bilateral_approximate.
struct NC_LOCAL FilterTensors {
  Tensor chroma, guide, out;

  FilterTensors(const char* name, const Tensor& given_chroma, const Tensor& given_guide,
                int64_t radius, double sigma_space, double sigma_range)
      : chroma(given_chroma), guide(given_guide), out(given_chroma) {
    check_settings(name, 0, radius, sigma_space, sigma_range);
    check_planes(name, chroma);
    check_guide(name, guide, chroma, chroma.size(2), chroma.size(3));
    out = torch::stable::new_empty(chroma, chroma.sizes());
    chroma = torch::stable::contiguous(chroma);
    guide = torch::stable::contiguous(guide);
  }
};

// Of joint_bilateral_upsample.
struct NC_LOCAL UpsampleTensors {
  Tensor chroma, guide_small, guide, out;
  Piece piece;

  UpsampleTensors(const Tensor& given_chroma, const Tensor& given_small, const Tensor& given_guide,
                  int64_t radius, double sigma_space, double sigma_range, const Piece& asked)
      : chroma(given_chroma), guide_small(given_small), guide(given_guide), out(given_chroma),
        piece(asked) {
    constexpr const char* name = "joint_bilateral_upsample";
    check_settings(name, 1, radius, sigma_space, sigma_range);
    check_planes(name, chroma);
    check_guide(name, guide_small, chroma, chroma.size(2), chroma.size(3));
    STD_TORCH_CHECK(guide.dim() == 4, name, " takes a guide of shape (N, 1, H, W).");
    const int64_t height = guide.size(2), width = guide.size(3);
    check_guide(name, guide, chroma, height, width);
    check_upsample_sizes(name, chroma, height * width);
    piece = piece_of(name, height, width, asked);
    out = torch::stable::new_empty(chroma, {chroma.size(0), chroma.size(1), height, width});
    chroma = torch::stable::contiguous(chroma);
    guide_small = torch::stable::contiguous(guide_small);
    guide = torch::stable::contiguous(guide);
  }
};

// Of finish.
struct NC_LOCAL FinishTensors {
  Tensor luma, chroma, guide_small, rgb, clipped;
  Piece piece;

  FinishTensors(const Tensor& given_luma, const Tensor& given_chroma, const Tensor& given_small,
                int64_t radius, double sigma_space, double sigma_range, const Piece& asked)
      : luma(given_luma), chroma(given_chroma), guide_small(given_small), rgb(given_luma),
        clipped(given_luma), piece(asked) {
    check_settings("finish", 1, radius, sigma_space, sigma_range);
    check_finish(luma, chroma, guide_small);
    piece = piece_of("finish", luma.size(1), luma.size(2), asked);
    const int64_t n = luma.size(0), height = luma.size(1), width = luma.size(2);
    rgb = torch::stable::new_empty(luma, {n, height, width, 3}, ScalarType::Byte);
    clipped = torch::stable::new_empty(luma, {n, height, width}, ScalarType::Bool);
    luma = torch::stable::contiguous(luma);
    chroma = torch::stable::contiguous(chroma);
    guide_small = torch::stable::contiguous(guide_small);
  }
};

}  // namespace napari_colorize
