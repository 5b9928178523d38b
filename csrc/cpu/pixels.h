// Walks over the pixels of a tensor with a channel axis, whatever its strides.
//
// The axes other than the channels are merged where memory allows, so that a planar image is a few
// long rows and an interleaved one is a single row with a step of three. The output of every colour
// operator is contiguous.
#pragma once

#include <cstdint>

#include "torch_stable.h"

namespace napari_colorize {

constexpr int64_t kPixelBlock = 512;       // pixels at a time: the buffers of a block stay in L1
constexpr int64_t kPixelGrain = 4096;  // pixels that are worth another thread
constexpr int kMaxAxes = 16;

// Returns channel_dim as a non-negative axis, after checking that it holds three channels.
inline int64_t checked_channel_axis(const Tensor& tensor, int64_t channel_dim, const char* name) {
  const int64_t dims = tensor.dim();
  STD_TORCH_CHECK(dims >= 1 && dims <= kMaxAxes, name, " must have 1 to ", kMaxAxes,
                  " axes, and it has ", dims, ".");
  STD_TORCH_CHECK(channel_dim >= -dims && channel_dim < dims, "channel_dim is ", channel_dim,
                  ", and ", name, " has ", dims, " axes.");
  const int64_t axis = channel_dim < 0 ? channel_dim + dims : channel_dim;
  STD_TORCH_CHECK(tensor.size(axis) == 3, name, " must have three channels along axis ",
                  channel_dim, ", and it has ", tensor.size(axis), ".");
  return axis;
}

// A run of pixels at equal steps, as offsets in elements.
struct PixelRun {
  int64_t first;       // number of its first pixel in logical order
  int64_t in, out;     // offsets of channel 0 of that pixel
  int64_t in_step, out_step;
  int64_t count;
};

class PixelWalk {
 public:
  // `out` has the shape of `in`.
  PixelWalk(const Tensor& in, const Tensor& out, int64_t channel_axis)
      : in_channel(in.stride(channel_axis)), out_channel(out.stride(channel_axis)) {
    for (int64_t axis = 0; axis < in.dim(); ++axis) {
      if (axis != channel_axis) {
        add_axis(in.size(axis), in.stride(axis), out.stride(axis));
      }
    }
  }

  // Calls visit(PixelRun) for the pixels [begin, end), in runs of at most kPixelBlock.
  template <class Visit>
  void for_each_run(int64_t begin, int64_t end, const Visit& visit) const {
    const int last = axes_ - 1;
    for (int64_t pixel = begin; pixel < end;) {
      int64_t rest = pixel, in = 0, out = 0, column = 0;
      for (int axis = last; axis >= 0; --axis) {
        const int64_t index = rest % size_[axis];
        rest /= size_[axis];
        in += index * in_stride_[axis];
        out += index * out_stride_[axis];
        column = axis == last ? index : column;
      }
      int64_t count = size_[last] - column;
      count = count < end - pixel ? count : end - pixel;
      count = count < kPixelBlock ? count : kPixelBlock;
      visit(PixelRun{pixel, in, out, in_stride_[last], out_stride_[last], count});
      pixel += count;
    }
  }

  // Spreads the pixels over torch's threads.
  template <class Visit>
  void parallel_runs(const Visit& visit) const {
    torch::stable::parallel_for(
        0, pixels_, kPixelGrain,
        [&](int64_t begin, int64_t end) { for_each_run(begin, end, visit); });
  }

  const int64_t in_channel, out_channel;  // steps from channel to channel

 private:
  void add_axis(int64_t size, int64_t in_stride, int64_t out_stride) {
    pixels_ *= size;
    if (size == 1) {
      return;
    }
    const int last = axes_ - 1;
    const bool is_first = axes_ == 1 && size_[0] == 1;
    const bool merges =
        in_stride_[last] == in_stride * size && out_stride_[last] == out_stride * size;
    if (!is_first && !merges) {
      ++axes_;
    }
    const int here = axes_ - 1;
    size_[here] = !is_first && merges ? size_[here] * size : size;
    in_stride_[here] = in_stride;
    out_stride_[here] = out_stride;
  }

  // Never without an axis: a single pixel is a row of one.
  int axes_ = 1;
  int64_t size_[kMaxAxes] = {1};
  int64_t in_stride_[kMaxAxes] = {1};
  int64_t out_stride_[kMaxAxes] = {1};
  int64_t pixels_ = 1;
};

}  // namespace napari_colorize
