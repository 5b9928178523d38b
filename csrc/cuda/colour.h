// Launchers of the colour kernels: raw device pointers, a layout and a stream; the return value is
// cudaGetLastError(). Nothing is checked here; csrc/cuda/colour.cpp has done it.
#pragma once

#include <cstdint>

#include "math/pixel_layout.h"

namespace napari_colorize::cuda {

int rgb_to_lab(const uint8_t* rgb, float* lab, const PixelLayout& layout, void* stream);
int rgb_to_lab(const float* rgb, float* lab, const PixelLayout& layout, void* stream);
int rgb_to_lab(const double* rgb, double* lab, const PixelLayout& layout, void* stream);

int lab_to_rgb(const float* lab, float* rgb, const PixelLayout& layout, void* stream);
int lab_to_rgb(const double* lab, double* rgb, const PixelLayout& layout, void* stream);
int lab_to_rgb(const float* lab, uint8_t* rgb, const PixelLayout& layout, void* stream);
int lab_to_rgb(const double* lab, uint8_t* rgb, const PixelLayout& layout, void* stream);

int gamut_clip(const float* lab, float* inside, bool* clipped, const PixelLayout& layout,
               void* stream);
int gamut_clip(const double* lab, double* inside, bool* clipped, const PixelLayout& layout,
               void* stream);

}  // namespace napari_colorize::cuda
