// levin_propagate on the CPU: the levels of an image are made by all threads, its planes solved by one
// each.
#include "cpu/levin_cycle.h"
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
  const int64_t images = out.size(0), planes = out.size(1), height = out.size(2),
                width = out.size(3), pixels = height * width;
  const Tensor wall_plane = contiguous_or(walls, mask), prior_planes = contiguous_or(prior, out),
               weight = contiguous_or(certainty, luma);
  auto* left = remaining.mutable_data_ptr<double>();
  for (int64_t n = 0; n < images; ++n) {
    const Scalar* pull =
        certainty.has_value() ? weight.const_data_ptr<Scalar>() + n * pixels : nullptr;
    const bool* blocked =
        walls.has_value() ? wall_plane.const_data_ptr<bool>() + n * pixels : nullptr;
    const auto levels =
        levin::make_levels(luma.const_data_ptr<Scalar>() + n * pixels,
                           mask.const_data_ptr<bool>() + n * pixels, blocked, pull, height, width);
    torch::stable::parallel_for(0, planes, 1, [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c) {
        const int64_t plane = n * planes + c;
        const Scalar* towards =
            prior.has_value() ? prior_planes.const_data_ptr<Scalar>() + plane * pixels : nullptr;
        left[plane] = levin::solve(levels, towards,
                                   out.mutable_data_ptr<Scalar>() + plane * pixels, patience);
      }
    });
  }
}

std::tuple<Tensor, Tensor> levin_propagate(
    const Tensor& luma, const Tensor& chroma, const Tensor& mask,
    const std::optional<Tensor>& walls, const std::optional<Tensor>& prior,
    const std::optional<Tensor>& certainty, double tolerance, int64_t cycles) {
  check_levin(luma, chroma, mask, walls, prior, certainty, tolerance, cycles);
  Tensor out = torch::stable::clone(torch::stable::contiguous(chroma));
  Tensor remaining =
      torch::stable::new_zeros(chroma, {chroma.size(0), chroma.size(1)}, ScalarType::Double);
  if (out.numel() == 0) {
    return {out, remaining};
  }
  const levin::Patience patience{tolerance, cycles};
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
