// What levin_propagate refuses, in sentences, for graphs that call torch.ops.napari_colorize themselves;
// the Python function says the same earlier.
#pragma once

#include "torch_stable.h"

#include <optional>

namespace napari_colorize {

inline void check_levin_plane(const char* what, const Tensor& plane, const Tensor& chroma,
                              int64_t planes, ScalarType type) {
  STD_TORCH_CHECK(plane.dim() == 4 && plane.size(0) == chroma.size(0) && plane.size(1) == planes &&
                      plane.size(2) == chroma.size(2) && plane.size(3) == chroma.size(3),
                  "levin_propagate needs ", what, " of shape (", chroma.size(0), ", ", planes, ", ",
                  chroma.size(2), ", ", chroma.size(3), ") to go with its chroma.");
  STD_TORCH_CHECK(plane.scalar_type() == type, "levin_propagate needs ", what,
                  type == ScalarType::Bool ? " of dtype bool." : " of the chroma's dtype.");
  STD_TORCH_CHECK(plane.is_cuda() == chroma.is_cuda(),
                  "levin_propagate needs all tensors on one device.");
}

inline void check_levin(const Tensor& luma, const Tensor& chroma, const Tensor& mask,
                        const std::optional<Tensor>& walls, const std::optional<Tensor>& prior,
                        const std::optional<Tensor>& certainty, double tolerance, int64_t cycles,
                        const std::optional<Tensor>& stop) {
  STD_TORCH_CHECK(chroma.dim() == 4, "levin_propagate takes chroma of shape (N, C, H, W).");
  const auto type = chroma.scalar_type();
  STD_TORCH_CHECK(type == ScalarType::Float || type == ScalarType::Double,
                  "levin_propagate takes float32 or float64 planes; convert them with .float() "
                  "first.");
  check_levin_plane("luma", luma, chroma, 1, type);
  check_levin_plane("a mask", mask, chroma, 1, ScalarType::Bool);
  if (walls.has_value()) {
    check_levin_plane("walls", *walls, chroma, 1, ScalarType::Bool);
  }
  STD_TORCH_CHECK(prior.has_value() == certainty.has_value(),
                  "levin_propagate takes prior and certainty together, or neither.");
  if (prior.has_value()) {
    check_levin_plane("a prior", *prior, chroma, chroma.size(1), type);
    check_levin_plane("certainty", *certainty, chroma, 1, type);
  }
  if (stop.has_value()) {
    STD_TORCH_CHECK(stop->scalar_type() == ScalarType::Bool && stop->numel() == 1 &&
                        !stop->is_cuda(),
                    "levin_propagate takes stop as one bool on the CPU.");
  }
  STD_TORCH_CHECK(tolerance >= 0, "levin_propagate needs a tolerance of 0 or more; ", tolerance,
                  " was given.");
  STD_TORCH_CHECK(cycles >= 1, "levin_propagate needs 1 cycle or more; ", cycles, " were given.");
}

}  // namespace napari_colorize
