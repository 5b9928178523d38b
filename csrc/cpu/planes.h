// Three channels of a run of pixels, brought into planar buffers and back.
#pragma once

#include <cstdint>

#include "cpu/pixels.h"

namespace napari_colorize {

template <class T>
struct Planes {
  T first[kPixelBlock], second[kPixelBlock], third[kPixelBlock];
};

template <class In, class T>
inline void load_planes(const PixelRun& run, const In* in, int64_t channel, Planes<T>& planes) {
  const In* pixel = in + run.in;
  if (run.in_step == 1) {
    for (int64_t i = 0; i < run.count; ++i) {
      planes.first[i] = pixel[i];
      planes.second[i] = pixel[i + channel];
      planes.third[i] = pixel[i + 2 * channel];
    }
    return;
  }
  for (int64_t i = 0; i < run.count; ++i, pixel += run.in_step) {
    planes.first[i] = pixel[0];
    planes.second[i] = pixel[channel];
    planes.third[i] = pixel[2 * channel];
  }
}

template <class T>
inline void store_planes(const PixelRun& run, const Planes<T>& planes, T* out, int64_t channel) {
  T* pixel = out + run.out;
  if (run.out_step == 1) {
    for (int64_t i = 0; i < run.count; ++i) {
      pixel[i] = planes.first[i];
      pixel[i + channel] = planes.second[i];
      pixel[i + 2 * channel] = planes.third[i];
    }
    return;
  }
  for (int64_t i = 0; i < run.count; ++i, pixel += run.out_step) {
    pixel[0] = planes.first[i];
    pixel[channel] = planes.second[i];
    pixel[2 * channel] = planes.third[i];
  }
}

}  // namespace napari_colorize
