// Joint bilateral upsampling and the fused finish, a thread a full-size pixel. The small images live
// in the cache; nothing full-size but the result is written.
#include "cuda/bilateral.h"

#include "cuda/launch.h"
#include "math/bilateral.h"
#include "math/gamut.h"

namespace napari_colorize::cuda {

namespace {

constexpr int kPlanes = 2;
constexpr int kMostTaps = 128;

template <class Scalar>
struct Pixel {
  Scalar value[kPlanes];
};

// Units of the exponents, once a launch.
template <class Scalar>
struct Weights {
  Scalar range, space;
};

template <class Scalar>
Weights<Scalar> weights_of(const Small<Scalar>& small) {
  return {static_cast<Scalar>(guide_scale(small.sigma_range)),
          static_cast<Scalar>(space_exponent(1.0, small.sigma_space))};
}

// Planes first … first + planes − 1 of image n at full-size pixel (y, x) with the given lightness.
template <class Scalar>
__device__ Pixel<Scalar> upsample_pixel(const Small<Scalar>& small, int64_t n, int64_t first,
                                        int planes, int64_t y, int64_t x, Scalar lightness,
                                        Weights<Scalar> weights) {
  const double row = small_position(y, small.small_height, small.height);
  const double column = small_position(x, small.small_width, small.width);
  const int64_t top = static_cast<int64_t>(floor(row)) + 1 - small.radius;
  const int64_t left = static_cast<int64_t>(floor(column)) + 1 - small.radius;
  const int taps = 2 * small.radius;
  const int64_t pixels = small.small_height * small.small_width;
  const Scalar* guide = small.guide + n * pixels;
  const Scalar* chroma = small.chroma + (n * small.planes + first) * pixels;
  // Only `begin` to `end` of the window lie inside the image and within reach.
  Scalar exponent[kMostTaps], floor_weight[kMostTaps];
  const auto never = static_cast<Scalar>(kNever);
  int begin = taps, end = 0;
  for (int k = 0; k < taps; ++k) {
    exponent[k] =
        axis_exponent(column, left + k, small.small_width, small.radius, weights.space);
    floor_weight[k] = static_cast<Scalar>(kRangeFloor) * weight_exponential(-exponent[k]);
    begin = exponent[k] < never && k < begin ? k : begin;
    end = exponent[k] < never ? k + 1 : end;
  }
  const Scalar centre = lightness * weights.range;
  Scalar norm = 0, total[kPlanes] = {0, 0};
  for (int ky = 0; ky < taps; ++ky) {
    const Scalar power =
        axis_exponent(row, top + ky, small.small_height, small.radius, weights.space);
    if (power >= never) {
      continue;
    }
    const int64_t from = (top + ky) * small.small_width + left;
    Scalar row_norm = 0, row_total[kPlanes] = {0, 0};
    for (int kx = begin; kx < end; ++kx) {
      const Scalar step = guide[from + kx] * weights.range - centre;
      const Scalar weight = upsample_weight(step, exponent[kx], floor_weight[kx]);
      row_norm += weight;
      for (int c = 0; c < planes; ++c) {
        row_total[c] += weight * chroma[c * pixels + from + kx];
      }
    }
    const auto row_weight = weight_exponential(-power);
    norm += row_weight * row_norm;
    for (int c = 0; c < planes; ++c) {
      total[c] += row_weight * row_total[c];
    }
  }
  return {{total[0] / norm, total[1] / norm}};
}

template <class Scalar>
__global__ void upsample_kernel(Small<Scalar> small, const Scalar* __restrict__ guide,
                                Scalar* __restrict__ out, Weights<Scalar> weights) {
  const int64_t pixels = small.height * small.width;
  const int64_t pairs = (small.planes + kPlanes - 1) / kPlanes;
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
       i < small.images * pairs * pixels; i += step) {
    const int64_t p = i % pixels, group = i / pixels;
    const int64_t n = group / pairs, first = group % pairs * kPlanes;
    const int planes = static_cast<int>(small.planes - first < kPlanes ? small.planes - first : kPlanes);
    const Pixel<Scalar> pixel = upsample_pixel(small, n, first, planes, p / small.width,
                                               p % small.width, guide[n * pixels + p], weights);
    for (int c = 0; c < planes; ++c) {
      out[(n * small.planes + first + c) * pixels + p] = pixel.value[c];
    }
  }
}

__device__ float lightness_of(float lightness) { return lightness; }

__device__ float lightness_of(uint8_t code) {
  const float light = math::linear_from_code(static_cast<float>(code) * (1.0f / 255.0f));
  return 116.0f * math::lightness_response(light) - 16.0f;
}

template <class Luma>
__global__ void finish_kernel(Small<float> small, const Luma* __restrict__ luma,
                              uint8_t* __restrict__ rgb, bool* __restrict__ clipped,
                              Weights<float> weights) {
  const int64_t pixels = small.height * small.width;
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
       i < small.images * pixels; i += step) {
    const int64_t n = i / pixels, p = i % pixels;
    float lightness = lightness_of(luma[i]);
    Pixel<float> ab = upsample_pixel(small, n, 0, kPlanes, p / small.width, p % small.width,
                                     lightness, weights);
    clipped[i] = math::clip_to_gamut(lightness, ab.value[0], ab.value[1]);
    const auto linear = math::linear_from_lab(lightness, ab.value[0], ab.value[1]);
    rgb[3 * i] = math::byte_from_code(math::code_from_linear(linear.first));
    rgb[3 * i + 1] = math::byte_from_code(math::code_from_linear(linear.second));
    rgb[3 * i + 2] = math::byte_from_code(math::code_from_linear(linear.third));
  }
}

template <class Scalar>
int launch_upsample(const Small<Scalar>& small, const Scalar* guide, Scalar* out, void* stream) {
  const int64_t pairs = (small.planes + kPlanes - 1) / kPlanes;
  const int64_t items = small.images * pairs * small.height * small.width;
  if (items > 0) {
    upsample_kernel<<<blocks_for(items), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
        small, guide, out, weights_of(small));
  }
  return cudaGetLastError();
}

template <class Luma>
int launch_finish(const Small<float>& small, const Luma* luma, uint8_t* rgb, bool* clipped,
                  void* stream) {
  const int64_t items = small.images * small.height * small.width;
  if (items > 0) {
    finish_kernel<<<blocks_for(items), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
        small, luma, rgb, clipped, weights_of(small));
  }
  return cudaGetLastError();
}

}  // namespace

int joint_bilateral_upsample(const Small<float>& small, const float* guide, float* out,
                             void* stream) {
  return launch_upsample(small, guide, out, stream);
}

int joint_bilateral_upsample(const Small<double>& small, const double* guide, double* out,
                             void* stream) {
  return launch_upsample(small, guide, out, stream);
}

int finish(const Small<float>& small, const uint8_t* luma, uint8_t* rgb, bool* clipped,
           void* stream) {
  return launch_finish(small, luma, rgb, clipped, stream);
}

int finish(const Small<float>& small, const float* luma, uint8_t* rgb, bool* clipped,
           void* stream) {
  return launch_finish(small, luma, rgb, clipped, stream);
}

}  // namespace napari_colorize::cuda
