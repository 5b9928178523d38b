// Where the pixels of a tensor with a channel axis lie in memory, whatever its strides.
//
// The axes other than the channels are merged where memory allows, so that a planar image is a few
// long rows and an interleaved one is a single row with a step of three. A plain struct that a CUDA
// kernel takes by value.
#pragma once

#include "math/platform.h"

namespace napari_colorize {

constexpr int kMaxAxes = 16;

// Offsets in elements, of channel 0 of a pixel.
struct PixelOffsets {
  int64_t in, out;
  int64_t column;  // its place along the innermost axis
};

struct PixelLayout {
  int64_t pixels = 1;
  int64_t in_channel = 0, out_channel = 0;  // steps from channel to channel
  int axes = 1;                             // never none: a single pixel is a row of one
  int64_t size[kMaxAxes] = {1};
  int64_t in_stride[kMaxAxes] = {1};
  int64_t out_stride[kMaxAxes] = {1};

  // Adds the next inner axis, merged with the one before where both strides allow.
  void add_axis(int64_t length, int64_t in_step, int64_t out_step) {
    pixels *= length;
    if (length == 1) {
      return;
    }
    const int last = axes - 1;
    const bool is_first = axes == 1 && size[0] == 1;
    const bool merges = !is_first && in_stride[last] == in_step * length &&
                        out_stride[last] == out_step * length;
    axes += !is_first && !merges;
    size[axes - 1] = merges ? size[last] * length : length;
    in_stride[axes - 1] = in_step;
    out_stride[axes - 1] = out_step;
  }

  NC_HD PixelOffsets locate(int64_t pixel) const {
    PixelOffsets at{0, 0, 0};
    for (int axis = axes - 1; axis >= 0; --axis) {
      const int64_t index = pixel % size[axis];
      pixel /= size[axis];
      at.in += index * in_stride[axis];
      at.out += index * out_stride[axis];
      at.column = axis == axes - 1 ? index : at.column;
    }
    return at;
  }
};

}  // namespace napari_colorize
