// Joint bilateral upsampling and the fused finish, a thread a full-size pixel. The small images live
// in the cache; nothing full-size but the result is written.
#include "cuda/bilateral.h"

#include "cuda/launch.h"
#include "cuda/upsample_window.h"
#include "math/gamut.h"

namespace napari_colorize::cuda {

namespace {

template <class Scalar>
struct Pixel {
  Scalar value[kPlanes];
};

// Planes first … first + planes − 1 of image n at full-size pixel (y, x) with the given lightness.
template <class Scalar>
__device__ Pixel<Scalar> upsample_pixel(const Small<Scalar>& small, int64_t n, int64_t first,
                                        int planes, int64_t y, int64_t x, Scalar lightness,
                                        Weights<Scalar> weights) {
  const int64_t pixels = small.small_height * small.small_width;
  const Scalar* guide = small.guide + n * pixels;
  const Scalar* chroma = small.chroma + (n * small.planes + first) * pixels;
  const Window<Scalar> window(small, y, x, weights.space);
  const Scalar centre = lightness * weights.range;
  Scalar norm = 0, total[kPlanes] = {0, 0};
  window.for_each_row(small, weights.space, [&](Scalar row_weight, int64_t from) {
    Scalar row_norm = 0, row_total[kPlanes] = {0, 0};
    for (int kx = window.begin; kx < window.end; ++kx) {
      const Scalar step = guide[from + kx] * weights.range - centre;
      const Scalar weight = upsample_weight(step, window.exponent[kx], window.least[kx]);
      row_norm += weight;
      for (int c = 0; c < planes; ++c) {
        row_total[c] += weight * chroma[c * pixels + from + kx];
      }
    }
    norm += row_weight * row_norm;
    for (int c = 0; c < planes; ++c) {
      total[c] += row_weight * row_total[c];
    }
  });
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

// What a block reads and writes at a time, as it lies in global memory. Each thread makes one pixel,
// and all of them together move sixteen bytes a thread: a pixel's own one and three bytes would be a
// transaction each.
template <class Luma>
struct Chunk {
  alignas(16) Luma luma[kThreads];
  alignas(16) uint8_t rgb[3 * kThreads];
  alignas(16) bool clipped[kThreads];
};

constexpr int kPacket = 16;  // bytes that one instruction moves

// Copies `bytes` by the whole block; `packed` where both ends are aligned to, and bytes a multiple of,
// a packet.
__device__ void copy_bytes(void* to, const void* from, int bytes, bool packed) {
  if (packed) {
    for (int i = threadIdx.x; i < bytes / kPacket; i += blockDim.x) {
      static_cast<uint4*>(to)[i] = static_cast<const uint4*>(from)[i];
    }
  } else {
    for (int i = threadIdx.x; i < bytes; i += blockDim.x) {
      static_cast<uint8_t*>(to)[i] = static_cast<const uint8_t*>(from)[i];
    }
  }
}

template <class Luma>
__device__ void finish_pixel(const Small<float>& small, int64_t i, Chunk<Luma>& chunk,
                             Weights<float> weights) {
  const int64_t pixels = small.height * small.width, n = i / pixels, p = i % pixels;
  float lightness = lightness_of(chunk.luma[threadIdx.x]);
  Pixel<float> ab = upsample_pixel(small, n, 0, kPlanes, p / small.width, p % small.width,
                                   lightness, weights);
  chunk.clipped[threadIdx.x] = math::clip_to_gamut(lightness, ab.value[0], ab.value[1]);
  const auto linear = math::linear_from_lab(lightness, ab.value[0], ab.value[1]);
  uint8_t* rgb = chunk.rgb + 3 * threadIdx.x;
  rgb[0] = math::byte_from_code(math::code_from_linear(linear.first));
  rgb[1] = math::byte_from_code(math::code_from_linear(linear.second));
  rgb[2] = math::byte_from_code(math::code_from_linear(linear.third));
}

// `aligned`: all three lie at addresses that are multiples of a packet, and then so does every chunk.
// Only the last chunk is ragged.
template <class Luma>
__global__ void finish_kernel(Small<float> small, const Luma* __restrict__ luma,
                              uint8_t* __restrict__ rgb, bool* __restrict__ clipped,
                              Weights<float> weights, bool aligned) {
  __shared__ Chunk<Luma> chunk;
  const int64_t items = small.images * small.height * small.width;
  const int64_t step = static_cast<int64_t>(gridDim.x) * kThreads;
  for (int64_t first = static_cast<int64_t>(blockIdx.x) * kThreads; first < items; first += step) {
    const int count = static_cast<int>(items - first < kThreads ? items - first : kThreads);
    const bool packed = aligned && count == kThreads;
    copy_bytes(chunk.luma, luma + first, count * static_cast<int>(sizeof(Luma)), packed);
    __syncthreads();
    if (static_cast<int>(threadIdx.x) < count) {
      finish_pixel(small, first + threadIdx.x, chunk, weights);
    }
    __syncthreads();
    copy_bytes(rgb + 3 * first, chunk.rgb, 3 * count, packed);
    copy_bytes(clipped + first, chunk.clipped, count, packed);
    __syncthreads();  // before the next chunk takes this one's place
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

bool is_aligned(const void* data) { return reinterpret_cast<uintptr_t>(data) % kPacket == 0; }

template <class Luma>
int launch_finish(const Small<float>& small, const Luma* luma, uint8_t* rgb, bool* clipped,
                  void* stream) {
  const int64_t items = small.images * small.height * small.width;
  if (items > 0) {
    const bool aligned = is_aligned(luma) && is_aligned(rgb) && is_aligned(clipped);
    finish_kernel<<<blocks_for(items), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
        small, luma, rgb, clipped, weights_of(small), aligned);
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
