// How kernels with a thread a pixel are launched: enough blocks to fill a GPU, each thread striding.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace napari_colorize::cuda {

constexpr int kThreads = 256;
constexpr int64_t kMaxBlocks = 132 * 16;  // an H100's processors, sixteen blocks each

inline unsigned blocks_for(int64_t items) {
  const int64_t blocks = (items + kThreads - 1) / kThreads;
  return static_cast<unsigned>(blocks < kMaxBlocks ? blocks : kMaxBlocks);
}

}  // namespace napari_colorize::cuda
