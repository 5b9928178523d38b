// Encoding and decoding on CUDA tensors: checks, outputs, and one launch each.
#include "cuda/encoding.h"
#include "cuda/glue.h"
#include "encoding_checks.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace napari_colorize {

namespace {

std::tuple<Tensor, Tensor> soft_encode(const Tensor& ab, int64_t neighbours, double sigma) {
  check_encode(ab, neighbours, sigma);
  const auto guard = device_guard(ab);
  const Tensor planes = torch::stable::contiguous(ab);
  const auto shape = {ab.size(0), neighbours, ab.size(2), ab.size(3)};
  Tensor index = torch::stable::new_empty(planes, shape, ScalarType::Long);
  Tensor weight = torch::stable::new_empty(planes, shape);
  check_launch(cuda::soft_encode(planes.const_data_ptr<float>(), index.mutable_data_ptr<int64_t>(),
                                 weight.mutable_data_ptr<float>(), ab.size(0),
                                 ab.size(2) * ab.size(3), static_cast<int>(neighbours),
                                 static_cast<float>(sigma), current_stream(ab)),
               "soft_encode");
  return {index, weight};
}

Tensor soft_encode_dense(const Tensor& ab, int64_t neighbours, double sigma) {
  check_encode(ab, neighbours, sigma);
  const auto guard = device_guard(ab);
  const Tensor planes = torch::stable::contiguous(ab);
  const auto shape = {ab.size(0), neighbours, ab.size(2), ab.size(3)};
  Tensor index = torch::stable::new_empty(planes, shape, ScalarType::Long);
  Tensor weight = torch::stable::new_empty(planes, shape);
  Tensor dense = torch::stable::new_empty(planes, {ab.size(0), kBinCount, ab.size(2), ab.size(3)});
  check_launch(
      cuda::soft_encode_dense(planes.const_data_ptr<float>(), dense.mutable_data_ptr<float>(),
                              index.mutable_data_ptr<int64_t>(), weight.mutable_data_ptr<float>(),
                              ab.size(0), ab.size(2) * ab.size(3), static_cast<int>(neighbours),
                              static_cast<float>(sigma), current_stream(ab)),
      "soft_encode_dense");
  return dense;
}

template <class Scalar>
int launch_annealed_mean(const Tensor& logits, const Tensor& bins, const Tensor& bias, Tensor& ab,
                         Tensor& entropy, double temperature) {
  const int64_t count = logits.size(1);
  const double log_count = std::log(static_cast<double>(std::max<int64_t>(count, 2)));
  const cuda::Annealing<Scalar> task{logits.const_data_ptr<Scalar>(),
                                     bins.const_data_ptr<Scalar>(),
                                     bias.const_data_ptr<Scalar>(),
                                     ab.mutable_data_ptr<Scalar>(),
                                     entropy.mutable_data_ptr<Scalar>(),
                                     logits.size(0),
                                     count,
                                     logits.size(2) * logits.size(3),
                                     static_cast<Scalar>(1.0 / std::max(temperature, 1e-30)),
                                     static_cast<Scalar>(1.0 / log_count)};
  return cuda::annealed_mean(task, current_stream(logits));
}

std::tuple<Tensor, Tensor> annealed_mean(const Tensor& logits, const Tensor& bins,
                                         std::optional<Tensor> bias, const Tensor& temperature) {
  check_annealed(logits, bins, bias);
  const double number = temperature_of(temperature);
  const auto guard = device_guard(logits);
  const Tensor planes = torch::stable::contiguous(logits);
  const Tensor centres = torch::stable::contiguous(bins);
  const Tensor shift = bias ? torch::stable::contiguous(*bias)
                            : torch::stable::new_zeros(logits, {logits.size(1)});
  const int64_t n = logits.size(0), height = logits.size(2), width = logits.size(3);
  Tensor ab = torch::stable::new_empty(planes, {n, 2, height, width});
  Tensor entropy = torch::stable::new_empty(planes, {n, 1, height, width});
  check_launch(
      logits.scalar_type() == ScalarType::Double
          ? launch_annealed_mean<double>(planes, centres, shift, ab, entropy, number)
          : launch_annealed_mean<float>(planes, centres, shift, ab, entropy, number),
      "annealed_mean");
  return {ab, entropy};
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CUDA, library) {
  library.impl("soft_encode", TORCH_BOX(&napari_colorize::soft_encode));
  library.impl("soft_encode_dense", TORCH_BOX(&napari_colorize::soft_encode_dense));
  library.impl("annealed_mean", TORCH_BOX(&napari_colorize::annealed_mean));
}
