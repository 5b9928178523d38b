// The colour mathematics over short runs of pixels: the vectorised loops that the operators share.
//
// Runs are at most kPixelBlock long (pixels.h), so that buffers stay in the first-level cache.
// Channels (planes.h) are planar or interleaved. float and double; L, a, b in Lab units, codes and
// light 0...1.
#pragma once

#include <cstdint>

#include "cpu/planes.h"

namespace napari_colorize {

// sRGB codes to L, a, b; codes are clamped to [0, 1], NaN stays NaN.
void lab_from_codes_block(int64_t count, Channels<const float> codes, Channels<float> lab);
void lab_from_codes_block(int64_t count, Channels<const double> codes, Channels<double> lab);

// The same from 8-bit codes; `linear` is the light of each (math/tables.h).
void lab_from_bytes_block(int64_t count, Channels<const uint8_t> bytes, const float* linear,
                          Channels<float> lab);

// L, a, b to sRGB codes; colours outside the gamut are clamped channel by channel.
// `streams`: past the caches, if both are planar and the planes of `codes` lie alike to multiples of 64
// bytes; to be ended with finish_streaming() (memory.h).
void codes_from_lab_block(int64_t count, Channels<const float> lab, Channels<float> codes,
                          bool streams = false);
void codes_from_lab_block(int64_t count, Channels<const double> lab, Channels<double> codes);

// The same to 8-bit codes; NaN becomes 0.
void bytes_from_lab_block(int64_t count, Channels<const float> lab, Channels<uint8_t> bytes);
void bytes_from_lab_block(int64_t count, Channels<const double> lab, Channels<uint8_t> bytes);

// Moves L, a, b into the sRGB gamut at constant L and hue, in place, and marks the moved ones.
void gamut_clip_block(int64_t count, float* lightness, float* a, float* b, bool* clipped);
void gamut_clip_block(int64_t count, double* lightness, double* a, double* b, bool* clipped);

// sRGB codes in [0, 1] to 0...255 at a step of `step` bytes; NaN becomes 0.
void byte_from_code_block(int64_t count, const float* codes, uint8_t* bytes, int64_t step);

}  // namespace napari_colorize
