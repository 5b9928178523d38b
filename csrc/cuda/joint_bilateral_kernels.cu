// The joint bilateral filter: a thread a pixel, two chroma planes at a time. A block's pixels and
// their margin are first copied to shared memory; where a large radius does not fit, the taps are
// read from global memory through the cache by the same loop.
#include "cuda/bilateral.h"

#include "cuda/launch.h"
#include "math/bilateral.h"

namespace napari_colorize::cuda {

namespace {

constexpr int kColumns = 32;
constexpr int kRows = 8;
constexpr int kPlanes = 2;
constexpr size_t kSharedBytes = 48 * 1024;  // what every GPU gives without asking

// A window of pixels in memory: (y, x) of the image lies at (y − top) · pitch + x − left.
template <class Scalar>
struct Window {
  const Scalar* guide;
  const Scalar* chroma[kPlanes];
  int64_t top, left, pitch;
};

template <class Scalar>
struct Pixel {
  Scalar value[kPlanes];
};

template <int Planes, class Scalar>
__device__ Pixel<Scalar> filter_pixel(const Window<Scalar>& window, int64_t y, int64_t x,
                                      const Filtering<Scalar>& task, Scalar scale, Scalar space) {
  const int64_t here = (y - window.top) * window.pitch + x - window.left;
  const Scalar centre = window.guide[here] * scale;
  const int radius = task.radius;
  const int up = static_cast<int>(y < radius ? y : radius);
  const int down = static_cast<int>(task.height - 1 - y < radius ? task.height - 1 - y : radius);
  Scalar norm = 0, total[kPlanes] = {0, 0};
  for (int dy = -up; dy <= down; ++dy) {
    const int reach = static_cast<int>(sqrtf(static_cast<float>(radius * radius - dy * dy)));
    const int left = static_cast<int>(x < reach ? x : reach);
    const int right = static_cast<int>(task.width - 1 - x < reach ? task.width - 1 - x : reach);
    const int64_t row = here + dy * window.pitch;
    for (int dx = -left; dx <= right; ++dx) {
      const Scalar step = window.guide[row + dx] * scale - centre;
      const Scalar weight = filter_weight(step, static_cast<Scalar>(dx * dx + dy * dy) * space);
      norm += weight;
#pragma unroll
      for (int c = 0; c < Planes; ++c) {
        total[c] += weight * window.chroma[c][row + dx];
      }
    }
  }
  return {{total[0] / norm, total[1] / norm}};
}

// Copy the block's pixels and margin into shared memory; every thread takes part.
template <class Scalar>
__device__ Window<Scalar> shared_window(const Window<Scalar>& image, int64_t top, int64_t left,
                                        const Filtering<Scalar>& task, int planes,
                                        Scalar* shared) {
  const int radius = task.radius;
  const int pitch = kColumns + 2 * radius, rows = kRows + 2 * radius;
  const int plane = pitch * rows;
  __syncthreads();  // the last image's pixels have been read
  for (int i = threadIdx.y * kColumns + threadIdx.x; i < plane; i += kColumns * kRows) {
    const int64_t y = top - radius + i / pitch, x = left - radius + i % pitch;
    if (y >= 0 && y < task.height && x >= 0 && x < task.width) {
      const int64_t from = y * task.width + x;
      shared[i] = image.guide[from];
      for (int c = 0; c < planes; ++c) {
        shared[(c + 1) * plane + i] = image.chroma[c][from];
      }
    }
  }
  __syncthreads();
  return {shared, {shared + plane, shared + 2 * plane}, top - radius, left - radius, pitch};
}

template <class Scalar, bool Shared>
__global__ void joint_bilateral_kernel(Filtering<Scalar> task, Scalar scale, Scalar space) {
  extern __shared__ __align__(16) unsigned char memory[];
  const int64_t top = static_cast<int64_t>(blockIdx.y) * kRows;
  const int64_t left = static_cast<int64_t>(blockIdx.x) * kColumns;
  const int64_t y = top + threadIdx.y, x = left + threadIdx.x;
  const int64_t pairs = (task.planes + kPlanes - 1) / kPlanes, pixels = task.height * task.width;
  for (int64_t group = blockIdx.z; group < task.images * pairs; group += gridDim.z) {
    const int64_t n = group / pairs, c = group % pairs * kPlanes;
    const int planes = static_cast<int>(task.planes - c < kPlanes ? task.planes - c : kPlanes);
    const int64_t first = (n * task.planes + c) * pixels;
    const Scalar* chroma = task.chroma + first;
    Window<Scalar> window{task.guide + n * pixels, {chroma, chroma + pixels}, 0, 0, task.width};
    if (Shared) {
      window = shared_window(window, top, left, task, planes, reinterpret_cast<Scalar*>(memory));
    }
    if (y < task.height && x < task.width) {
      const Pixel<Scalar> pixel = planes == 1
                                      ? filter_pixel<1>(window, y, x, task, scale, space)
                                      : filter_pixel<2>(window, y, x, task, scale, space);
      for (int k = 0; k < planes; ++k) {
        task.out[first + k * pixels + y * task.width + x] = pixel.value[k];
      }
    }
  }
}

// Asks the current device for more shared memory than the usual; false where it has not so much.
template <class Kernel>
bool grants_shared(Kernel kernel, size_t bytes) {
  int device = 0, most = 0;
  if (cudaGetDevice(&device) != cudaSuccess ||
      cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device) !=
          cudaSuccess ||
      bytes > static_cast<size_t>(most)) {
    return false;
  }
  return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                              static_cast<int>(bytes)) == cudaSuccess;
}

template <class Scalar>
int launch(const Filtering<Scalar>& task, void* stream) {
  const int64_t groups = task.images * ((task.planes + kPlanes - 1) / kPlanes);
  if (groups * task.height * task.width == 0) {
    return cudaSuccess;
  }
  const dim3 threads(kColumns, kRows);
  const dim3 blocks(static_cast<unsigned>((task.width + kColumns - 1) / kColumns),
                    static_cast<unsigned>((task.height + kRows - 1) / kRows),
                    static_cast<unsigned>(groups < 65535 ? groups : 65535));
  const auto scale = static_cast<Scalar>(guide_scale(task.sigma_range));
  const auto space = static_cast<Scalar>(space_exponent(1.0, task.sigma_space));
  const auto queue = static_cast<cudaStream_t>(stream);
  const size_t bytes = static_cast<size_t>(kColumns + 2 * task.radius) *
                       (kRows + 2 * task.radius) * (1 + kPlanes) * sizeof(Scalar);
  if (bytes <= kSharedBytes || grants_shared(joint_bilateral_kernel<Scalar, true>, bytes)) {
    joint_bilateral_kernel<Scalar, true><<<blocks, threads, bytes, queue>>>(task, scale, space);
  } else {
    joint_bilateral_kernel<Scalar, false><<<blocks, threads, 0, queue>>>(task, scale, space);
  }
  return cudaGetLastError();
}

}  // namespace

int joint_bilateral(const Filtering<float>& task, void* stream) { return launch(task, stream); }

int joint_bilateral(const Filtering<double>& task, void* stream) { return launch(task, stream); }

}  // namespace napari_colorize::cuda
