// Visits the pixels of a tensor in runs: short enough for the first-level cache, spread over threads.
#pragma once

#include <cstdint>

#include "math/pixel_layout.h"
#include "torch_stable.h"

namespace napari_colorize {

constexpr int64_t kPixelBlock = 512;   // pixels at a time: the buffers of a run stay in L1
constexpr int64_t kPixelGrain = 4096;  // pixels that are worth another thread

// At most kPixelBlock pixels at equal steps; offsets and steps in elements.
struct PixelRun {
  int64_t first;    // number of its first pixel in logical order
  int64_t in, out;  // offsets of channel 0 of that pixel
  int64_t in_step, out_step;
  int64_t count;
};

// Calls visit(PixelRun) for the pixels [begin, end).
template <class Visit>
inline void for_each_run(const PixelLayout& layout, int64_t begin, int64_t end,
                         const Visit& visit) {
  const int last = layout.axes - 1;
  for (int64_t pixel = begin; pixel < end;) {
    const PixelOffsets at = layout.locate(pixel);
    int64_t count = layout.size[last] - at.column;
    count = count < end - pixel ? count : end - pixel;
    count = count < kPixelBlock ? count : kPixelBlock;
    visit(PixelRun{pixel, at.in, at.out, layout.in_stride[last], layout.out_stride[last], count});
    pixel += count;
  }
}

// Calls visit(PixelRun) for all pixels, on torch's threads.
template <class Visit>
inline void for_each_run_in_parallel(const PixelLayout& layout, const Visit& visit) {
  torch::stable::parallel_for(
      0, layout.pixels, kPixelGrain,
      [&](int64_t begin, int64_t end) { for_each_run(layout, begin, end, visit); });
}

}  // namespace napari_colorize
