// What the kernels of the joint bilateral filter and of its gradient share: a block's pixels with a
// margin around them, and the taps of a pixel's disk.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace napari_colorize::cuda {

constexpr int kColumns = 32;
constexpr int kRows = 8;
constexpr size_t kSharedBytes = 48 * 1024;  // what every GPU gives without asking

// The block's pixels begin at (top, left); pixel (y, x) lies at index(y, x) of each plane of the tile.
struct Tile {
  int64_t top, left;
  int radius, pitch, plane;

  __device__ explicit Tile(int radius)
      : top(static_cast<int64_t>(blockIdx.y) * kRows),
        left(static_cast<int64_t>(blockIdx.x) * kColumns), radius(radius),
        pitch(kColumns + 2 * radius), plane(pitch * (kRows + 2 * radius)) {}

  __device__ int index(int64_t y, int64_t x) const {
    return static_cast<int>((y - top + radius) * pitch + x - left + radius);
  }

  // Calls store(index, y, x) for what lies inside the image; every thread of the block takes part, and
  // all have come to the end when one returns.
  template <class Store>
  __device__ void fill(int64_t height, int64_t width, const Store& store) const {
    __syncthreads();  // what was there before has been read
    for (int i = threadIdx.y * kColumns + threadIdx.x; i < plane; i += kColumns * kRows) {
      const int64_t y = top - radius + i / pitch, x = left - radius + i % pitch;
      if (y >= 0 && y < height && x >= 0 && x < width) {
        store(i, y, x);
      }
    }
    __syncthreads();
  }
};

inline size_t tile_bytes(int radius, int planes, size_t element) {
  return static_cast<size_t>(kColumns + 2 * radius) * (kRows + 2 * radius) * planes * element;
}

inline dim3 tile_blocks(int64_t images, int64_t height, int64_t width) {
  return dim3(static_cast<unsigned>((width + kColumns - 1) / kColumns),
              static_cast<unsigned>((height + kRows - 1) / kRows),
              static_cast<unsigned>(images < 65535 ? images : 65535));
}

// Calls visit(dy, dx) for the neighbours of (y, x) that lie in the disk and in the image.
template <class Visit>
__device__ __forceinline__ void for_each_tap(int radius, int64_t y, int64_t x, int64_t height,
                                             int64_t width, const Visit& visit) {
  const int up = static_cast<int>(y < radius ? y : radius);
  const int down = static_cast<int>(height - 1 - y < radius ? height - 1 - y : radius);
  for (int dy = -up; dy <= down; ++dy) {
    const int reach = static_cast<int>(sqrtf(static_cast<float>(radius * radius - dy * dy)));
    const int left = static_cast<int>(x < reach ? x : reach);
    const int right = static_cast<int>(width - 1 - x < reach ? width - 1 - x : reach);
    for (int dx = -left; dx <= right; ++dx) {
      visit(dy, dx);
    }
  }
}

// Asks the current device for so much shared memory a block; false where it has not so much.
template <class Kernel>
bool grants_shared(Kernel kernel, size_t bytes) {
  if (bytes <= kSharedBytes) {
    return true;
  }
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

}  // namespace napari_colorize::cuda
