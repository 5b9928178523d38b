// Joint bilateral filter, upsampling and finish on CUDA tensors: checks, outputs, one launch each.
#include "cuda/bilateral.h"
#include "bilateral_tensors.h"
#include "cuda/glue.h"

#include <tuple>

namespace napari_colorize {

namespace {

template <class Scalar>
int launch_filter(FilterTensors& tensors, int64_t radius, double sigma_space, double sigma_range) {
  const Tensor& chroma = tensors.chroma;
  const cuda::Filtering<Scalar> task{chroma.const_data_ptr<Scalar>(),
                                     tensors.guide.const_data_ptr<Scalar>(),
                                     tensors.out.mutable_data_ptr<Scalar>(),
                                     chroma.size(0),
                                     chroma.size(1),
                                     chroma.size(2),
                                     chroma.size(3),
                                     static_cast<int>(radius),
                                     sigma_space,
                                     sigma_range};
  return cuda::joint_bilateral(task, current_stream(chroma));
}

Tensor joint_bilateral(const Tensor& chroma, const Tensor& guide, int64_t radius,
                       double sigma_space, double sigma_range) {
  constexpr const char* name = "joint_bilateral";
  const auto device = device_guard(chroma);
  FilterTensors tensors(name, chroma, guide, radius, sigma_space, sigma_range);
  check_launch(chroma.scalar_type() == ScalarType::Double
                   ? launch_filter<double>(tensors, radius, sigma_space, sigma_range)
                   : launch_filter<float>(tensors, radius, sigma_space, sigma_range),
               name);
  return tensors.out;
}

template <class Scalar>
cuda::Small<Scalar> small_images(const Tensor& chroma, const Tensor& guide, int64_t height,
                                 int64_t width, const Piece& piece, int64_t radius,
                                 double sigma_space, double sigma_range) {
  return {chroma.const_data_ptr<Scalar>(),
          guide.const_data_ptr<Scalar>(),
          chroma.size(0),
          chroma.size(1),
          chroma.size(2),
          chroma.size(3),
          height,
          width,
          piece.top,
          piece.left,
          piece.height,
          piece.width,
          static_cast<int>(radius),
          sigma_space,
          sigma_range};
}

template <class Scalar>
int launch_upsample(UpsampleTensors& tensors, int64_t radius, double sigma_space,
                    double sigma_range) {
  const auto task =
      small_images<Scalar>(tensors.chroma, tensors.guide_small, tensors.guide.size(2),
                           tensors.guide.size(3), tensors.piece, radius, sigma_space, sigma_range);
  return cuda::joint_bilateral_upsample(task, tensors.guide.const_data_ptr<Scalar>(),
                                        tensors.out.mutable_data_ptr<Scalar>(),
                                        current_stream(tensors.chroma));
}

Tensor joint_bilateral_upsample(const Tensor& chroma, const Tensor& guide_small,
                                const Tensor& guide, int64_t radius, double sigma_space,
                                double sigma_range, int64_t top, int64_t left,
                                int64_t full_height, int64_t full_width) {
  const auto device = device_guard(chroma);
  UpsampleTensors tensors(chroma, guide_small, guide, radius, sigma_space, sigma_range,
                          {top, left, full_height, full_width});
  check_launch(chroma.scalar_type() == ScalarType::Double
                   ? launch_upsample<double>(tensors, radius, sigma_space, sigma_range)
                   : launch_upsample<float>(tensors, radius, sigma_space, sigma_range),
               "joint_bilateral_upsample");
  return tensors.out;
}

template <class Luma>
int launch_finish(FinishTensors& tensors, int64_t radius, double sigma_space, double sigma_range) {
  const Tensor& luma = tensors.luma;
  const auto task = small_images<float>(tensors.chroma, tensors.guide_small, luma.size(1),
                                        luma.size(2), tensors.piece, radius, sigma_space,
                                        sigma_range);
  return cuda::finish(task, luma.const_data_ptr<Luma>(), tensors.rgb.mutable_data_ptr<uint8_t>(),
                      tensors.clipped.mutable_data_ptr<bool>(), current_stream(luma));
}

std::tuple<Tensor, Tensor> finish(const Tensor& luma, const Tensor& chroma,
                                  const Tensor& guide_small, int64_t radius, double sigma_space,
                                  double sigma_range, int64_t top, int64_t left,
                                  int64_t full_height, int64_t full_width) {
  const auto device = device_guard(luma);
  FinishTensors tensors(luma, chroma, guide_small, radius, sigma_space, sigma_range,
                        {top, left, full_height, full_width});
  check_launch(luma.scalar_type() == ScalarType::Byte
                   ? launch_finish<uint8_t>(tensors, radius, sigma_space, sigma_range)
                   : launch_finish<float>(tensors, radius, sigma_space, sigma_range),
               "finish");
  return {tensors.rgb, tensors.clipped};
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CUDA, library) {
  library.impl("joint_bilateral", TORCH_BOX(&napari_colorize::joint_bilateral));
  library.impl("joint_bilateral_upsample", TORCH_BOX(&napari_colorize::joint_bilateral_upsample));
  library.impl("finish", TORCH_BOX(&napari_colorize::finish));
}
