// What encoding and decoding refuse, in sentences. The Python functions say the same earlier; this is
// for graphs that call torch.ops.napari_colorize themselves.
#pragma once

#include "torch_stable.h"

#include "math/bins.h"

#include <cmath>
#include <optional>

namespace napari_colorize {

inline void check_encode(const Tensor& ab, int64_t neighbours, double sigma) {
  STD_TORCH_CHECK(ab.dim() == 4 && ab.size(1) == 2,
                  "soft_encode takes ab planes of shape (N, 2, H, W).");
  STD_TORCH_CHECK(ab.scalar_type() == ScalarType::Float,
                  "soft_encode takes float32 ab values in Lab units; convert them with .float().");
  STD_TORCH_CHECK(neighbours >= 1 && neighbours <= kBinCount,
                  "soft_encode needs between 1 and 313 neighbours; ", neighbours, " was given.");
  STD_TORCH_CHECK(sigma > 0 && std::isfinite(sigma),
                  "soft_encode needs a finite sigma above 0 (Lab units); got ", sigma, ".");
}

// The number in a 0-dim tensor on the CPU. The temperature comes as a tensor because an exported graph
// keeps no other kind of input open.
inline double temperature_of(const Tensor& temperature) {
  const auto dtype = temperature.scalar_type();
  STD_TORCH_CHECK(temperature.dim() == 0 && temperature.is_cpu() &&
                      (dtype == ScalarType::Float || dtype == ScalarType::Double),
                  "annealed_mean takes the temperature as a 0-dim float tensor on the CPU.");
  const double number = dtype == ScalarType::Double ? *temperature.const_data_ptr<double>()
                                                    : *temperature.const_data_ptr<float>();
  STD_TORCH_CHECK(number > 0 && std::isfinite(number),
                  "annealed_mean needs a finite temperature above 0; ", number, " was given.");
  return number;
}

inline void check_annealed(const Tensor& logits, const Tensor& bins,
                           const std::optional<Tensor>& bias) {
  const auto dtype = logits.scalar_type();
  STD_TORCH_CHECK(logits.dim() == 4 && logits.size(1) > 0,
                  "annealed_mean takes logits of shape (N, Q, H, W) with at least one bin.");
  STD_TORCH_CHECK(dtype == ScalarType::Float || dtype == ScalarType::Double,
                  "annealed_mean takes float32 or float64 logits; convert them with .float().");
  const int64_t count = logits.size(1);
  STD_TORCH_CHECK(bins.dim() == 2 && bins.size(0) == count && bins.size(1) == 2,
                  "annealed_mean needs one (a, b) pair for each of the ", count,
                  " logit channels.");
  STD_TORCH_CHECK(!bias || (bias->dim() == 1 && bias->size(0) == count),
                  "annealed_mean needs one bias for each of the ", count, " logit channels.");
  STD_TORCH_CHECK(bins.scalar_type() == dtype && (!bias || bias->scalar_type() == dtype),
                  "annealed_mean needs bins and bias of the logits' dtype.");
  STD_TORCH_CHECK(bins.is_cuda() == logits.is_cuda() &&
                      (!bias || bias->is_cuda() == logits.is_cuda()),
                  "annealed_mean needs bins and bias on the logits' device.");
}

}  // namespace napari_colorize
