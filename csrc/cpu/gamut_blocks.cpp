// Loops over math/gamut.h, compiled once per instruction set. Each has a body that is written once for
// float and double, and must be inlined to be vectorised with its caller.
#include "cpu/colour_blocks.h"
#include "cpu/multiversion.h"
#include "math/gamut.h"

namespace napari_colorize {

namespace {

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

}  // namespace

NC_MULTIVERSION void gamut_clip_block(int64_t count, float* lightness, float* a, float* b,
                                      bool* clipped) {
  gamut_clip_body(count, lightness, a, b, clipped);
}

NC_MULTIVERSION void gamut_clip_block(int64_t count, double* lightness, double* a, double* b,
                                      bool* clipped) {
  gamut_clip_body(count, lightness, a, b, clipped);
}

}  // namespace napari_colorize
