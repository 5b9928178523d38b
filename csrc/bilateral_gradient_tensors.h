// What the gradients of the bilateral operators need on any device: arguments that are checked and
// contiguous, results of the right shape. Those that are not asked for have no elements.
#pragma once

#include "bilateral_tensors.h"

namespace napari_colorize {

inline void check_like(const char* name, const char* label, const Tensor& tensor,
                       const Tensor& other) {
  bool equal = tensor.dim() == other.dim();
  for (int64_t i = 0; equal && i < other.dim(); ++i) {
    equal = tensor.size(i) == other.size(i);
  }
  STD_TORCH_CHECK(equal && tensor.scalar_type() == other.scalar_type() &&
                      tensor.is_cuda() == other.is_cuda(),
                  name, " needs its ", label,
                  " to have the shape, dtype and device of the filter's result.");
}

// A gradient like `of`, filled with zeros where nothing adds to it; without elements if not asked for.
inline Tensor new_gradient(const Tensor& of, bool asked, bool zero) {
  if (!asked) {
    return torch::stable::new_empty(of, {0});
  }
  return zero ? torch::stable::new_zeros(of, of.sizes())
              : torch::stable::new_empty(of, of.sizes());
}

template <class Scalar>
Scalar* data_or_null(Tensor& tensor) {
  return tensor.numel() > 0 ? tensor.mutable_data_ptr<Scalar>() : nullptr;
}

// Of joint_bilateral_backward.
struct NC_LOCAL FilterBackwardTensors {
  Tensor gradient, chroma, guide, out, to_chroma, to_guide;

  FilterBackwardTensors(const Tensor& given_gradient, const Tensor& given_chroma,
                        const Tensor& given_guide, const Tensor& given_out, int64_t radius,
                        double sigma_space, double sigma_range, bool needs_chroma,
                        bool needs_guide)
      : gradient(given_gradient), chroma(given_chroma), guide(given_guide), out(given_out),
        to_chroma(given_chroma), to_guide(given_guide) {
    constexpr const char* name = "joint_bilateral_backward";
    check_settings(name, 0, radius, sigma_space, sigma_range);
    check_planes(name, chroma);
    check_guide(name, guide, chroma, chroma.size(2), chroma.size(3));
    check_like(name, "gradient", gradient, chroma);
    check_like(name, "out", out, chroma);
    to_chroma = new_gradient(chroma, needs_chroma, false);
    to_guide = new_gradient(guide, needs_guide, chroma.size(1) == 0);
    gradient = torch::stable::contiguous(gradient);
    chroma = torch::stable::contiguous(chroma);
    guide = torch::stable::contiguous(guide);
    out = torch::stable::contiguous(out);
  }

  // Nothing is asked for, or nothing adds to it.
  bool is_idle() const {
    return chroma.numel() == 0 || to_chroma.numel() + to_guide.numel() == 0;
  }
};

// Of joint_bilateral_upsample_backward.
struct NC_LOCAL UpsampleBackwardTensors {
  Tensor gradient, chroma, guide_small, guide, out, to_chroma, to_small, to_guide;

  UpsampleBackwardTensors(const Tensor& given_gradient, const Tensor& given_chroma,
                          const Tensor& given_small, const Tensor& given_guide,
                          const Tensor& given_out, int64_t radius, double sigma_space,
                          double sigma_range, bool needs_chroma, bool needs_small,
                          bool needs_guide)
      : gradient(given_gradient), chroma(given_chroma), guide_small(given_small),
        guide(given_guide), out(given_out), to_chroma(given_chroma), to_small(given_small),
        to_guide(given_guide) {
    constexpr const char* name = "joint_bilateral_upsample_backward";
    check_settings(name, 1, radius, sigma_space, sigma_range);
    check_planes(name, chroma);
    check_guide(name, guide_small, chroma, chroma.size(2), chroma.size(3));
    check_planes(name, out);
    check_guide(name, guide, chroma, out.size(2), out.size(3));
    STD_TORCH_CHECK(out.size(0) == chroma.size(0) && out.size(1) == chroma.size(1) &&
                        out.scalar_type() == chroma.scalar_type() &&
                        out.is_cuda() == chroma.is_cuda(),
                    name, " needs the out that the upsampling made of this chroma.");
    check_like(name, "gradient", gradient, out);
    check_upsample_sizes(name, chroma, out.size(2) * out.size(3));
    const bool zero = out.numel() == 0;
    to_chroma = new_gradient(chroma, needs_chroma, zero);
    to_small = new_gradient(guide_small, needs_small, zero);
    to_guide = new_gradient(guide, needs_guide, zero);
    gradient = torch::stable::contiguous(gradient);
    chroma = torch::stable::contiguous(chroma);
    guide_small = torch::stable::contiguous(guide_small);
    guide = torch::stable::contiguous(guide);
    out = torch::stable::contiguous(out);
  }

  bool is_idle() const {
    return out.numel() == 0 || to_chroma.numel() + to_small.numel() + to_guide.numel() == 0;
  }
};

}  // namespace napari_colorize
