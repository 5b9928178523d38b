// The colour mathematics over short planar runs: the vectorised loops that the operators share.
//
// Every pointer is to `count` values at a step of one; runs are at most kPixelBlock long (pixels.h)
// and stay in the first-level cache. float and double; L, a, b in Lab units, codes and light 0...1.
#pragma once

#include <cstdint>

namespace napari_colorize {

// sRGB codes to linear light, in place; codes are clamped to [0, 1], NaN stays NaN.
void linear_from_code_block(int64_t count, float* values);
void linear_from_code_block(int64_t count, double* values);

// Linear red, green, blue to L, a, b, in place.
void lab_from_linear_block(int64_t count, float* red, float* green, float* blue);
void lab_from_linear_block(int64_t count, double* red, double* green, double* blue);

// L, a, b to sRGB codes, in place; colours outside the gamut are clamped channel by channel.
void code_from_lab_block(int64_t count, float* lightness, float* a, float* b);
void code_from_lab_block(int64_t count, double* lightness, double* a, double* b);

// Moves L, a, b into the sRGB gamut at constant L and hue, in place, and marks the moved ones.
// count <= kPixelBlock.
void gamut_clip_block(int64_t count, float* lightness, float* a, float* b, bool* clipped);
void gamut_clip_block(int64_t count, double* lightness, double* a, double* b, bool* clipped);

// sRGB codes in [0, 1] to 0...255 at a step of `step` bytes; NaN becomes 0.
void byte_from_code_block(int64_t count, const float* codes, uint8_t* bytes, int64_t step);
void byte_from_code_block(int64_t count, const double* codes, uint8_t* bytes, int64_t step);

}  // namespace napari_colorize
