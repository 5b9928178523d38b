// levin_propagate on the CPU: images one after another, all planes of one together.
#include "cpu/levin_solve.h"
#include "levin_checks.h"

#include <optional>
#include <tuple>

namespace napari_colorize {

namespace {

Tensor contiguous_or(const std::optional<Tensor>& given, const Tensor& otherwise) {
  return torch::stable::contiguous(given.has_value() ? *given : otherwise);
}

template <class Scalar>
void propagate(const Tensor& luma, const Tensor& mask, const std::optional<Tensor>& walls,
               const std::optional<Tensor>& prior, const std::optional<Tensor>& certainty,
               Tensor& out, Tensor& remaining, const levin::Patience& patience) {
  const int64_t planes = out.size(1), height = out.size(2), width = out.size(3),
                pixels = height * width;
  const Tensor wall_plane = contiguous_or(walls, mask), prior_planes = contiguous_or(prior, out),
               weight = contiguous_or(certainty, luma);
  for (int64_t n = 0; n < out.size(0); ++n) {
    const levin::Image<Scalar> image{
        luma.const_data_ptr<Scalar>() + n * pixels,
        mask.const_data_ptr<bool>() + n * pixels,
        walls.has_value() ? wall_plane.const_data_ptr<bool>() + n * pixels : nullptr,
        certainty.has_value() ? weight.const_data_ptr<Scalar>() + n * pixels : nullptr,
        height,
        width};
    levin::solve(image,
                 prior.has_value() ? prior_planes.const_data_ptr<Scalar>() + n * planes * pixels
                                   : nullptr,
                 planes, out.mutable_data_ptr<Scalar>() + n * planes * pixels, patience,
                 remaining.mutable_data_ptr<double>() + n * planes);
  }
}

std::tuple<Tensor, Tensor> levin_propagate(
    const Tensor& luma, const Tensor& chroma, const Tensor& mask,
    const std::optional<Tensor>& walls, const std::optional<Tensor>& prior,
    const std::optional<Tensor>& certainty, double tolerance, int64_t cycles,
    const std::optional<Tensor>& stop) {
  check_levin(luma, chroma, mask, walls, prior, certainty, tolerance, cycles, stop);
  Tensor out = torch::stable::clone(torch::stable::contiguous(chroma));
  Tensor remaining =
      torch::stable::new_zeros(chroma, {chroma.size(0), chroma.size(1)}, ScalarType::Double);
  if (out.numel() == 0) {
    return {out, remaining};
  }
  const levin::Patience patience{tolerance, cycles,
                                 stop.has_value() ? stop->const_data_ptr<bool>() : nullptr};
  const Tensor shade = torch::stable::contiguous(luma), held = torch::stable::contiguous(mask);
  if (chroma.scalar_type() == ScalarType::Double) {
    propagate<double>(shade, held, walls, prior, certainty, out, remaining, patience);
  } else {
    propagate<float>(shade, held, walls, prior, certainty, out, remaining, patience);
  }
  return {out, remaining};
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CPU, library) {
  library.impl("levin_propagate", TORCH_BOX(&napari_colorize::levin_propagate));
}
