// Loops over math/colour.h and math/gamut.h, compiled once per instruction set. Each has a body that
// is written once for float and double, and must be inlined to be vectorised with its caller.
#include "cpu/colour_blocks.h"

#include "cpu/multiversion.h"
#include "cpu/pixels.h"
#include "math/gamut.h"

namespace napari_colorize {

namespace {

template <class T>
NC_HD void linear_from_code_body(int64_t count, T* __restrict values) {
  for (int64_t i = 0; i < count; ++i) {
    values[i] = math::linear_from_code(math::clamp_to_unit(values[i]));
  }
}

template <class T>
NC_HD void lab_from_linear_body(int64_t count, T* __restrict red, T* __restrict green,
                                T* __restrict blue) {
  for (int64_t i = 0; i < count; ++i) {
    const math::Triple<T> lab = math::lab_from_linear(red[i], green[i], blue[i]);
    red[i] = lab.first;
    green[i] = lab.second;
    blue[i] = lab.third;
  }
}

template <class T>
NC_HD void code_from_lab_body(int64_t count, T* __restrict lightness, T* __restrict a,
                              T* __restrict b) {
  for (int64_t i = 0; i < count; ++i) {
    const math::Triple<T> linear = math::linear_from_lab(lightness[i], a[i], b[i]);
    lightness[i] = math::code_from_linear(linear.first);
    a[i] = math::code_from_linear(linear.second);
    b[i] = math::code_from_linear(linear.third);
  }
}

// Colours outside the gamut, packed together: most blocks have few, and each costs some fifty looks
// at the gamut.
template <class T>
struct Outsiders {
  int64_t count = 0;
  int64_t place[kPixelBlock];
  T lightness[kPixelBlock], a[kPixelBlock], b[kPixelBlock];
  T inside[kPixelBlock], outside[kPixelBlock];
  T low[3][kPixelBlock], high[3][kPixelBlock];  // the bounds that count, of red, green and blue
};

template <class T>
NC_HD void halve_brackets(Outsiders<T>& colours) {
  NC_INDEPENDENT
  for (int64_t i = 0; i < colours.count; ++i) {
    const math::GamutBounds<T> bounds{
        {colours.low[0][i], colours.low[1][i], colours.low[2][i]},
        {colours.high[0][i], colours.high[1][i], colours.high[2][i]}};
    math::halve_bracket(colours.lightness[i], colours.a[i], colours.b[i], bounds,
                        colours.inside[i], colours.outside[i]);
  }
}

template <class T>
NC_HD void set_bounds(Outsiders<T>& colours, int64_t i, math::GamutBounds<T> bounds) {
  colours.low[0][i] = bounds.low.first;
  colours.low[1][i] = bounds.low.second;
  colours.low[2][i] = bounds.low.third;
  colours.high[0][i] = bounds.high.first;
  colours.high[1][i] = bounds.high.second;
  colours.high[2][i] = bounds.high.third;
}

// The scale of all outsiders at once, as math::gamut_scale finds it one by one.
template <class T>
NC_HD void bisect_outsiders(Outsiders<T>& colours) {
  const int64_t count = colours.count;
  for (int64_t i = 0; i < count; ++i) {
    set_bounds(colours, i,
               math::broken_bounds(
                   math::linear_from_lab(colours.lightness[i], colours.a[i], colours.b[i])));
    colours.inside[i] = T(0);
    colours.outside[i] = T(1);
  }
  for (int step = 0; step < math::kHalvings<T>; ++step) {
    halve_brackets(colours);
  }
  int64_t dented = 0;
  for (int64_t i = 0; i < count; ++i) {
    const T scale = colours.inside[i];
    const auto linear =
        math::linear_from_lab(colours.lightness[i], scale * colours.a[i], scale * colours.b[i]);
    const bool fits = math::is_within(linear, math::all_bounds<T>());
    set_bounds(colours, i, math::all_bounds<T>());
    colours.outside[i] = scale;
    colours.inside[i] = fits ? scale : T(0);
    dented += !fits;
  }
  for (int step = 0; dented > 0 && step < math::kHalvings<T>; ++step) {
    halve_brackets(colours);
  }
}

// Tests the block, makes non-finite colours NaN, and marks what is outside.
template <class T>
NC_HD int64_t mark_outsiders(int64_t count, T* __restrict lightness, T* __restrict a,
                             T* __restrict b, bool* __restrict clipped) {
  int64_t outside = 0;
  for (int64_t i = 0; i < count; ++i) {
    const T nothing = math::poison(lightness[i], a[i], b[i]);
    const T shown = math::clamp_lightness(lightness[i]);
    const bool fits = math::is_within(math::linear_from_lab(shown, a[i], b[i]),
                                      math::all_bounds<T>());
    clipped[i] = !(fits & math::lightness_is_valid(lightness[i]));
    outside += clipped[i];
    lightness[i] = shown + nothing;
    a[i] += nothing;
    b[i] += nothing;
  }
  return outside;
}

template <class T>
NC_HD void gamut_clip_body(int64_t count, T* __restrict lightness, T* __restrict a,
                           T* __restrict b, bool* __restrict clipped) {
  if (mark_outsiders(count, lightness, a, b, clipped) == 0) {
    return;
  }
  Outsiders<T> colours;
  for (int64_t i = 0; i < count; ++i) {
    colours.place[colours.count] = i;
    colours.lightness[colours.count] = lightness[i];
    colours.a[colours.count] = a[i];
    colours.b[colours.count] = b[i];
    colours.count += clipped[i];
  }
  bisect_outsiders(colours);
  for (int64_t i = 0; i < colours.count; ++i) {
    a[colours.place[i]] = colours.inside[i] * colours.a[i];
    b[colours.place[i]] = colours.inside[i] * colours.b[i];
  }
}

template <class T>
NC_HD void byte_from_code_body(int64_t count, const T* __restrict codes, uint8_t* __restrict bytes,
                               int64_t step) {
  if (step == 1) {
    for (int64_t i = 0; i < count; ++i) {
      bytes[i] = math::byte_from_code(codes[i]);
    }
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    bytes[i * step] = math::byte_from_code(codes[i]);
  }
}

}  // namespace

NC_MULTIVERSION void linear_from_code_block(int64_t count, float* values) {
  linear_from_code_body(count, values);
}

void linear_from_code_block(int64_t count, double* values) { linear_from_code_body(count, values); }

NC_MULTIVERSION void lab_from_linear_block(int64_t count, float* red, float* green, float* blue) {
  lab_from_linear_body(count, red, green, blue);
}

void lab_from_linear_block(int64_t count, double* red, double* green, double* blue) {
  lab_from_linear_body(count, red, green, blue);
}

NC_MULTIVERSION void code_from_lab_block(int64_t count, float* lightness, float* a, float* b) {
  code_from_lab_body(count, lightness, a, b);
}

void code_from_lab_block(int64_t count, double* lightness, double* a, double* b) {
  code_from_lab_body(count, lightness, a, b);
}

NC_MULTIVERSION void gamut_clip_block(int64_t count, float* lightness, float* a, float* b,
                                      bool* clipped) {
  gamut_clip_body(count, lightness, a, b, clipped);
}

NC_MULTIVERSION void gamut_clip_block(int64_t count, double* lightness, double* a, double* b,
                                      bool* clipped) {
  gamut_clip_body(count, lightness, a, b, clipped);
}

NC_MULTIVERSION void byte_from_code_block(int64_t count, const float* codes, uint8_t* bytes,
                                          int64_t step) {
  byte_from_code_body(count, codes, bytes, step);
}

NC_MULTIVERSION void byte_from_code_block(int64_t count, const double* codes, uint8_t* bytes,
                                          int64_t step) {
  byte_from_code_body(count, codes, bytes, step);
}

}  // namespace napari_colorize
