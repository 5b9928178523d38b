// Joint bilateral filter, upsampling and finish on CUDA tensors: checks, outputs, one launch each.
#include "cuda/bilateral.h"
#include "bilateral_checks.h"
#include "cuda/glue.h"

#include <tuple>

namespace napari_colorize {

namespace {

template <class Scalar>
int launch_filter(const Tensor& chroma, const Tensor& guide, Tensor& out, int64_t radius,
                  double sigma_space, double sigma_range) {
  const cuda::Filtering<Scalar> task{
      chroma.const_data_ptr<Scalar>(), guide.const_data_ptr<Scalar>(),
      out.mutable_data_ptr<Scalar>(),  chroma.size(0),
      chroma.size(1),                  chroma.size(2),
      chroma.size(3),                  static_cast<int>(radius),
      sigma_space,                     sigma_range};
  return cuda::joint_bilateral(task, current_stream(chroma));
}

Tensor joint_bilateral(const Tensor& chroma, const Tensor& guide, int64_t radius,
                       double sigma_space, double sigma_range) {
  constexpr const char* name = "joint_bilateral";
  check_settings(name, 0, radius, sigma_space, sigma_range);
  check_planes(name, chroma);
  check_guide(name, guide, chroma, chroma.size(2), chroma.size(3));
  const auto device = device_guard(chroma);
  Tensor out = torch::stable::new_empty(chroma, chroma.sizes());
  const Tensor planes = torch::stable::contiguous(chroma);
  const Tensor lightness = torch::stable::contiguous(guide);
  check_launch(
      chroma.scalar_type() == ScalarType::Double
          ? launch_filter<double>(planes, lightness, out, radius, sigma_space, sigma_range)
          : launch_filter<float>(planes, lightness, out, radius, sigma_space, sigma_range),
      name);
  return out;
}

template <class Scalar>
cuda::Small<Scalar> small_images(const Tensor& chroma, const Tensor& guide, int64_t height,
                                 int64_t width, int64_t radius, double sigma_space,
                                 double sigma_range) {
  return {chroma.const_data_ptr<Scalar>(),
          guide.const_data_ptr<Scalar>(),
          chroma.size(0),
          chroma.size(1),
          chroma.size(2),
          chroma.size(3),
          height,
          width,
          static_cast<int>(radius),
          sigma_space,
          sigma_range};
}

Tensor joint_bilateral_upsample(const Tensor& chroma, const Tensor& guide_small,
                                const Tensor& guide, int64_t radius, double sigma_space,
                                double sigma_range) {
  constexpr const char* name = "joint_bilateral_upsample";
  check_settings(name, 1, radius, sigma_space, sigma_range);
  check_planes(name, chroma);
  check_guide(name, guide_small, chroma, chroma.size(2), chroma.size(3));
  STD_TORCH_CHECK(guide.dim() == 4, name, " takes a guide of shape (N, 1, H, W).");
  const int64_t height = guide.size(2), width = guide.size(3);
  check_guide(name, guide, chroma, height, width);
  check_upsample_sizes(name, chroma, height * width);
  const auto device = device_guard(chroma);
  Tensor out = torch::stable::new_empty(chroma, {chroma.size(0), chroma.size(1), height, width});
  const Tensor planes = torch::stable::contiguous(chroma);
  const Tensor small = torch::stable::contiguous(guide_small);
  const Tensor full = torch::stable::contiguous(guide);
  void* stream = current_stream(chroma);
  if (chroma.scalar_type() == ScalarType::Double) {
    const auto task = small_images<double>(planes, small, height, width, radius, sigma_space,
                                           sigma_range);
    check_launch(cuda::joint_bilateral_upsample(task, full.const_data_ptr<double>(),
                                                out.mutable_data_ptr<double>(), stream),
                 name);
  } else {
    const auto task = small_images<float>(planes, small, height, width, radius, sigma_space,
                                          sigma_range);
    check_launch(cuda::joint_bilateral_upsample(task, full.const_data_ptr<float>(),
                                                out.mutable_data_ptr<float>(), stream),
                 name);
  }
  return out;
}

std::tuple<Tensor, Tensor> finish(const Tensor& luma, const Tensor& chroma,
                                  const Tensor& guide_small, int64_t radius, double sigma_space,
                                  double sigma_range) {
  check_settings("finish", 1, radius, sigma_space, sigma_range);
  check_finish(luma, chroma, guide_small);
  const int64_t n = luma.size(0), height = luma.size(1), width = luma.size(2);
  const auto device = device_guard(luma);
  Tensor rgb = torch::stable::new_empty(luma, {n, height, width, 3}, ScalarType::Byte);
  Tensor clipped = torch::stable::new_empty(luma, {n, height, width}, ScalarType::Bool);
  const Tensor full = torch::stable::contiguous(luma);
  const Tensor planes = torch::stable::contiguous(chroma);
  const Tensor small = torch::stable::contiguous(guide_small);
  const auto task =
      small_images<float>(planes, small, height, width, radius, sigma_space, sigma_range);
  auto* rgb_out = rgb.mutable_data_ptr<uint8_t>();
  auto* clipped_out = clipped.mutable_data_ptr<bool>();
  void* stream = current_stream(luma);
  check_launch(luma.scalar_type() == ScalarType::Byte
                   ? cuda::finish(task, full.const_data_ptr<uint8_t>(), rgb_out, clipped_out, stream)
                   : cuda::finish(task, full.const_data_ptr<float>(), rgb_out, clipped_out, stream),
               "finish");
  return {rgb, clipped};
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CUDA, library) {
  library.impl("joint_bilateral", TORCH_BOX(&napari_colorize::joint_bilateral));
  library.impl("joint_bilateral_upsample", TORCH_BOX(&napari_colorize::joint_bilateral_upsample));
  library.impl("finish", TORCH_BOX(&napari_colorize::finish));
}
