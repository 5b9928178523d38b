// Gradients of the joint bilateral filter and upsampling on CUDA tensors: checks, outputs, launches.
#include "bilateral_gradient_tensors.h"
#include "cuda/bilateral_gradients.h"
#include "cuda/glue.h"

#include <tuple>

namespace napari_colorize {

namespace {

template <class Scalar>
int launch_filter(FilterBackwardTensors& tensors, Tensor& reciprocal, int64_t radius,
                  double sigma_space, double sigma_range) {
  const Tensor& chroma = tensors.chroma;
  const cuda::FilterGradients<Scalar> task{tensors.gradient.const_data_ptr<Scalar>(),
                                           chroma.const_data_ptr<Scalar>(),
                                           tensors.guide.const_data_ptr<Scalar>(),
                                           tensors.out.const_data_ptr<Scalar>(),
                                           reciprocal.mutable_data_ptr<Scalar>(),
                                           data_or_null<Scalar>(tensors.to_chroma),
                                           data_or_null<Scalar>(tensors.to_guide),
                                           chroma.size(0),
                                           chroma.size(1),
                                           chroma.size(2),
                                           chroma.size(3),
                                           static_cast<int>(radius),
                                           sigma_space,
                                           sigma_range};
  return cuda::joint_bilateral_backward(task, current_stream(chroma));
}

std::tuple<Tensor, Tensor> joint_bilateral_backward(const Tensor& gradient, const Tensor& chroma,
                                                    const Tensor& guide, const Tensor& out,
                                                    int64_t radius, double sigma_space,
                                                    double sigma_range, bool to_chroma,
                                                    bool to_guide) {
  const auto device = device_guard(chroma);
  FilterBackwardTensors tensors(gradient, chroma, guide, out, radius, sigma_space, sigma_range,
                                to_chroma, to_guide);
  if (!tensors.is_idle()) {
    Tensor reciprocal = torch::stable::new_empty(tensors.guide, tensors.guide.sizes());
    check_launch(
        chroma.scalar_type() == ScalarType::Double
            ? launch_filter<double>(tensors, reciprocal, radius, sigma_space, sigma_range)
            : launch_filter<float>(tensors, reciprocal, radius, sigma_space, sigma_range),
        "joint_bilateral_backward");
  }
  return {tensors.to_chroma, tensors.to_guide};
}

template <class Scalar>
int launch_upsample(UpsampleBackwardTensors& tensors, Tensor& reciprocal, int64_t radius,
                    double sigma_space, double sigma_range) {
  const Tensor& chroma = tensors.chroma;
  const cuda::UpsampleGradients<Scalar> task{{chroma.const_data_ptr<Scalar>(),
                                              tensors.guide_small.const_data_ptr<Scalar>(),
                                              chroma.size(0),
                                              chroma.size(1),
                                              chroma.size(2),
                                              chroma.size(3),
                                              tensors.guide.size(2),
                                              tensors.guide.size(3),
                                              0,
                                              0,
                                              tensors.guide.size(2),
                                              tensors.guide.size(3),
                                              static_cast<int>(radius),
                                              sigma_space,
                                              sigma_range},
                                             tensors.gradient.const_data_ptr<Scalar>(),
                                             tensors.guide.const_data_ptr<Scalar>(),
                                             tensors.out.const_data_ptr<Scalar>(),
                                             reciprocal.mutable_data_ptr<Scalar>(),
                                             data_or_null<Scalar>(tensors.to_chroma),
                                             data_or_null<Scalar>(tensors.to_small),
                                             data_or_null<Scalar>(tensors.to_guide)};
  return cuda::joint_bilateral_upsample_backward(task, current_stream(chroma));
}

std::tuple<Tensor, Tensor, Tensor> joint_bilateral_upsample_backward(
    const Tensor& gradient, const Tensor& chroma, const Tensor& guide_small, const Tensor& guide,
    const Tensor& out, int64_t radius, double sigma_space, double sigma_range, bool to_chroma,
    bool to_guide_small, bool to_guide) {
  const auto device = device_guard(chroma);
  UpsampleBackwardTensors tensors(gradient, chroma, guide_small, guide, out, radius, sigma_space,
                                  sigma_range, to_chroma, to_guide_small, to_guide);
  if (!tensors.is_idle()) {
    Tensor reciprocal = torch::stable::new_empty(tensors.guide, tensors.guide.sizes());
    check_launch(
        chroma.scalar_type() == ScalarType::Double
            ? launch_upsample<double>(tensors, reciprocal, radius, sigma_space, sigma_range)
            : launch_upsample<float>(tensors, reciprocal, radius, sigma_space, sigma_range),
        "joint_bilateral_upsample_backward");
  }
  return {tensors.to_chroma, tensors.to_small, tensors.to_guide};
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CUDA, library) {
  library.impl("joint_bilateral_backward", TORCH_BOX(&napari_colorize::joint_bilateral_backward));
  library.impl("joint_bilateral_upsample_backward",
               TORCH_BOX(&napari_colorize::joint_bilateral_upsample_backward));
}
