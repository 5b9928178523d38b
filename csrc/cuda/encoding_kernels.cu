// Soft encoding and the annealed mean, a thread a pixel: neighbouring threads read and write
// neighbouring pixels of the same plane. The annealed mean reads each logit from memory once; its
// second look at a group of bins is served by the cache.
#include "cuda/encoding.h"

#include "cuda/launch.h"
#include "math/annealed_mean.h"
#include "math/soft_encode.h"

namespace napari_colorize::cuda {

namespace {

constexpr int kGroup = 8;  // bins between two looks at the highest logit

__global__ void soft_encode_kernel(const float* __restrict__ ab, int64_t* __restrict__ index,
                                   float* __restrict__ weight, int64_t images, int64_t pixels,
                                   int neighbours, float sigma) {
  const ClosedForm form = closed_form(sigma);
  const bool closed = neighbours == 5 && sigma >= kClosedFormSigma;
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
       i < images * pixels; i += step) {
    const int64_t n = i / pixels, p = i % pixels;
    const float a = ab[2 * n * pixels + p], b = ab[(2 * n + 1) * pixels + p];
    const int64_t out = n * neighbours * pixels + p;
    if (closed) {
      const NearestFive found = encode_nearest_five(a, b, form);
      if (found.valid) {
        for (int k = 0; k < 5; ++k) {
          index[out + k * pixels] = found.index[k];
          weight[out + k * pixels] = found.weight[k];
        }
        continue;
      }
    }
    encode_scan(a, b, neighbours, sigma, index + out, weight + out, pixels);
  }
}

__global__ void scatter_kernel(const int64_t* __restrict__ index, const float* __restrict__ weight,
                               float* __restrict__ dense, int64_t images, int64_t pixels,
                               int neighbours) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
       i < images * neighbours * pixels; i += step) {
    const int64_t n = i / (neighbours * pixels), p = i % pixels;
    dense[(n * kBinCount + index[i]) * pixels + p] = weight[i];
  }
}

template <class Scalar>
__global__ void annealed_mean_kernel(Annealing<Scalar> task) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  const int64_t pixels = task.pixels;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
       i < task.images * pixels; i += step) {
    const int64_t n = i / pixels, p = i % pixels;
    const Scalar* logits = task.logits + n * task.count * pixels + p;
    const Scalar headroom = annealed_headroom(task.inverse_temperature);
    AnnealedSums<Scalar> sums = annealed_start<Scalar, Scalar>();
    for (int64_t q = 0; q < task.count; q += kGroup) {
      const int group = static_cast<int>(task.count - q < kGroup ? task.count - q : kGroup);
      const auto logit = [&](int k) { return logits[(q + k) * pixels] + task.bias[q + k]; };
      annealed_absorb<Scalar>(sums, group, logit, task.bins + 2 * q, task.inverse_temperature,
                              headroom);
    }
    const AnnealedResult<Scalar> result = annealed_finish(sums, task.inverse_log_count);
    task.ab[2 * n * pixels + p] = result.a;
    task.ab[(2 * n + 1) * pixels + p] = result.b;
    task.entropy[i] = result.entropy;
  }
}

template <class Scalar>
int launch_annealed_mean(const Annealing<Scalar>& task, void* stream) {
  const int64_t items = task.images * task.pixels;
  if (items > 0) {
    annealed_mean_kernel<<<blocks_for(items), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
        task);
  }
  return cudaGetLastError();
}

}  // namespace

int soft_encode(const float* ab, int64_t* index, float* weight, int64_t images, int64_t pixels,
                int neighbours, float sigma, void* stream) {
  if (images * pixels > 0) {
    soft_encode_kernel<<<blocks_for(images * pixels), kThreads, 0,
                         static_cast<cudaStream_t>(stream)>>>(ab, index, weight, images, pixels,
                                                              neighbours, sigma);
  }
  return cudaGetLastError();
}

int soft_encode_dense(const float* ab, float* dense, int64_t* index, float* weight, int64_t images,
                      int64_t pixels, int neighbours, float sigma, void* stream) {
  const int status = soft_encode(ab, index, weight, images, pixels, neighbours, sigma, stream);
  if (status != 0 || images * pixels == 0) {
    return status;
  }
  const auto queue = static_cast<cudaStream_t>(stream);
  cudaMemsetAsync(dense, 0, images * kBinCount * pixels * sizeof(float), queue);
  scatter_kernel<<<blocks_for(images * neighbours * pixels), kThreads, 0, queue>>>(
      index, weight, dense, images, pixels, neighbours);
  return cudaGetLastError();
}

int annealed_mean(const Annealing<float>& task, void* stream) {
  return launch_annealed_mean(task, stream);
}

int annealed_mean(const Annealing<double>& task, void* stream) {
  return launch_annealed_mean(task, stream);
}

}  // namespace napari_colorize::cuda
