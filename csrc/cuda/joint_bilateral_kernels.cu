// The joint bilateral filter: a thread a pixel, two chroma planes at a time. A block's pixels and
// their margin are first copied to shared memory; where a large radius does not fit, the taps are
// read from global memory through the cache by the same loop.
#include "cuda/bilateral.h"

#include "cuda/launch.h"
#include "cuda/tile.h"
#include "math/bilateral.h"

namespace napari_colorize::cuda {

namespace {

constexpr int kPlanes = 2;

// A pixel among its neighbours, in shared memory or in the image: from row to row is `pitch`.
template <class Scalar>
struct Window {
  const Scalar* guide;
  const Scalar* chroma[kPlanes];
  int64_t pitch;
};

template <class Scalar>
struct Pixel {
  Scalar value[kPlanes];
};

template <int Planes, class Scalar>
__device__ Pixel<Scalar> filter_pixel(const Window<Scalar>& window, int64_t here, int64_t y,
                                      int64_t x, const Filtering<Scalar>& task, Scalar scale,
                                      Scalar space) {
  const Scalar centre = window.guide[here] * scale;
  Scalar norm = 0, total[kPlanes] = {0, 0};
  for_each_tap(task.radius, y, x, task.height, task.width, [&](int dy, int dx) {
    const int64_t there = here + dy * window.pitch + dx;
    const Scalar step = window.guide[there] * scale - centre;
    const Scalar weight = filter_weight(step, static_cast<Scalar>(dx * dx + dy * dy) * space);
    norm += weight;
#pragma unroll
    for (int c = 0; c < Planes; ++c) {
      total[c] += weight * window.chroma[c][there];
    }
  });
  return {{total[0] / norm, total[1] / norm}};
}

template <class Scalar, bool Shared>
__global__ void joint_bilateral_kernel(Filtering<Scalar> task, Scalar scale, Scalar space) {
  extern __shared__ __align__(16) unsigned char memory[];
  const Tile tile(task.radius);
  const int64_t y = tile.top + threadIdx.y, x = tile.left + threadIdx.x;
  const int64_t pairs = (task.planes + kPlanes - 1) / kPlanes, pixels = task.height * task.width;
  for (int64_t group = blockIdx.z; group < task.images * pairs; group += gridDim.z) {
    const int64_t n = group / pairs, c = group % pairs * kPlanes;
    const int planes = static_cast<int>(task.planes - c < kPlanes ? task.planes - c : kPlanes);
    const int64_t first = (n * task.planes + c) * pixels;
    const Scalar *guide = task.guide + n * pixels, *chroma = task.chroma + first;
    Window<Scalar> window{guide, {chroma, chroma + pixels}, task.width};
    int64_t here = y * task.width + x;
    if (Shared) {
      auto* shared = reinterpret_cast<Scalar*>(memory);
      tile.fill(task.height, task.width, [&](int i, int64_t row, int64_t column) {
        const int64_t from = row * task.width + column;
        shared[i] = guide[from];
        for (int k = 0; k < planes; ++k) {
          shared[(k + 1) * tile.plane + i] = chroma[k * pixels + from];
        }
      });
      window = {shared, {shared + tile.plane, shared + 2 * tile.plane}, tile.pitch};
      here = tile.index(y, x);
    }
    if (y < task.height && x < task.width) {
      const Pixel<Scalar> pixel = planes == 1
                                      ? filter_pixel<1>(window, here, y, x, task, scale, space)
                                      : filter_pixel<2>(window, here, y, x, task, scale, space);
      for (int k = 0; k < planes; ++k) {
        task.out[first + k * pixels + y * task.width + x] = pixel.value[k];
      }
    }
  }
}

template <class Scalar>
int launch(const Filtering<Scalar>& task, void* stream) {
  const int64_t groups = task.images * ((task.planes + kPlanes - 1) / kPlanes);
  if (groups * task.height * task.width == 0) {
    return cudaSuccess;
  }
  const dim3 threads(kColumns, kRows), blocks = tile_blocks(groups, task.height, task.width);
  const auto scale = static_cast<Scalar>(guide_scale(task.sigma_range));
  const auto space = static_cast<Scalar>(space_exponent(1.0, task.sigma_space));
  const auto queue = static_cast<cudaStream_t>(stream);
  const size_t bytes = tile_bytes(task.radius, 1 + kPlanes, sizeof(Scalar));
  if (grants_shared(joint_bilateral_kernel<Scalar, true>, bytes)) {
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
