// The channels of a run of pixels, wherever they lie, and planar buffers for those that lie oddly.
#pragma once

#include <cstdint>

#include "cpu/pixels.h"

namespace napari_colorize {

// Channel 0 of the first pixel; steps in elements.
template <class T>
struct Channels {
  T* data;
  int64_t channel;  // from channel to channel
  int64_t step;     // from pixel to pixel

  NC_HD bool is_planar() const { return step == 1; }
  NC_HD bool is_interleaved() const { return step == 3 && channel == 1; }
};

// Three channels, one behind the other.
template <class T>
struct Planes {
  T values[3 * kPixelBlock];

  NC_HD T* plane(int channel) { return values + channel * kPixelBlock; }
  NC_HD Channels<T> channels() { return {values, kPixelBlock, 1}; }
};

template <class T>
inline void load_planes(const PixelRun& run, const T* in, int64_t channel, Planes<T>& planes) {
  for (int c = 0; c < 3; ++c) {
    const T* from = in + run.in + c * channel;
    T* plane = planes.plane(c);
    for (int64_t i = 0; i < run.count; ++i) {
      plane[i] = from[i * run.in_step];
    }
  }
}

template <class T>
inline void store_planes(const PixelRun& run, Planes<T>& planes, T* out, int64_t channel) {
  for (int c = 0; c < 3; ++c) {
    T* to = out + run.out + c * channel;
    const T* plane = planes.plane(c);
    for (int64_t i = 0; i < run.count; ++i) {
      to[i * run.out_step] = plane[i];
    }
  }
}

// The run's channels where they are, if planar or interleaved; else a copy of them in `planes`.
template <class T>
inline Channels<const T> channels_of(const PixelRun& run, const T* in, int64_t channel,
                                     Planes<T>& planes) {
  const Channels<const T> there{in + run.in, channel, run.in_step};
  if (there.is_planar() || there.is_interleaved()) {
    return there;
  }
  load_planes(run, in, channel, planes);
  return {planes.values, kPixelBlock, 1};
}

// The run's channels in a contiguous output: always planar or interleaved.
template <class T>
inline Channels<T> output_channels(const PixelRun& run, T* out, int64_t channel) {
  return {out + run.out, channel, run.out_step};
}

}  // namespace napari_colorize
