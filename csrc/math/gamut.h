// The sRGB gamut seen from the grey axis of Lab: how far out is a hue shown at a given lightness?
//
// A colour outside keeps L and hue; its chroma is multiplied by the largest scale in [0, 1] at which
// linear red, green and blue are in [0, 1]. The scale is bisected, first under those bounds alone
// that the full chroma breaks. Where that point breaks another bound (the gamut is not quite convex
// along chroma: bright yellows lie beyond a dent), it is bisected again below it under all bounds.
#pragma once

#include "math/colour.h"

namespace napari_colorize::math {

constexpr double kGamutSlack = 1e-5;      // of linear light: ten times the rounding in float
constexpr double kLightnessSlack = 1e-3;  // of L

// Bounds of linear red, green and blue; an open bound is infinite for all practical colours.
template <class T>
struct GamutBounds {
  Triple<T> low, high;
};

template <class T>
NC_HD GamutBounds<T> all_bounds() {
  constexpr T low = T(-kGamutSlack), high = T(1 + kGamutSlack);
  return {{low, low, low}, {high, high, high}};
}

// Only the bounds that `linear` breaks.
template <class T>
NC_HD GamutBounds<T> broken_bounds(Triple<T> linear) {
  constexpr T low = T(-kGamutSlack), high = T(1 + kGamutSlack), open = T(1e30);
  return {{linear.first < low ? low : -open, linear.second < low ? low : -open,
           linear.third < low ? low : -open},
          {linear.first > high ? high : open, linear.second > high ? high : open,
           linear.third > high ? high : open}};
}

// False for NaN. Bitwise "and", because short circuits would keep loops from being vectorised.
template <class T>
NC_HD bool is_within(Triple<T> linear, GamutBounds<T> bounds) {
  return (linear.first >= bounds.low.first) & (linear.first <= bounds.high.first) &
         (linear.second >= bounds.low.second) & (linear.second <= bounds.high.second) &
         (linear.third >= bounds.low.third) & (linear.third <= bounds.high.third);
}

template <class T>
NC_HD bool lightness_is_valid(T lightness) {
  return (lightness >= T(-kLightnessSlack)) & (lightness <= T(100 + kLightnessSlack));
}

template <class T>
NC_HD T clamp_lightness(T lightness) {
  return lightness < T(0) ? T(0) : (lightness > T(100) ? T(100) : lightness);
}

// Zero for a finite colour, NaN otherwise: added to a result, it marks it as not a colour.
template <class T>
NC_HD T poison(T lightness, T a, T b) {
  return (lightness - lightness) + (a - a) + (b - b);
}

// How often a bracket of length 1 is halved: to 1e-6 (1e-4 Lab units) in float, to the last bit of
// double.
template <class T>
constexpr int kHalvings = sizeof(T) == 4 ? 20 : 53;

// Halves [inside, outside] once.
template <class T>
NC_HD void halve_bracket(T lightness, T a, T b, GamutBounds<T> bounds, T& inside, T& outside) {
  const T middle = T(0.5) * (inside + outside);
  const bool fits = is_within(linear_from_lab(lightness, middle * a, middle * b), bounds);
  inside = fits ? middle : inside;
  outside = fits ? outside : middle;
}

// Chroma scale of one colour, L already in 0...100; for kernels with a thread a pixel.
template <class T>
NC_HD T gamut_scale(T lightness, T a, T b) {
  const Triple<T> linear = linear_from_lab(lightness, a, b);
  if (is_within(linear, all_bounds<T>())) {
    return T(1);
  }
  const GamutBounds<T> broken = broken_bounds(linear);
  T inside = T(0), outside = T(1);
  for (int i = 0; i < kHalvings<T>; ++i) {
    halve_bracket(lightness, a, b, broken, inside, outside);
  }
  if (is_within(linear_from_lab(lightness, inside * a, inside * b), all_bounds<T>())) {
    return inside;
  }
  outside = inside;
  inside = T(0);
  for (int i = 0; i < kHalvings<T>; ++i) {
    halve_bracket(lightness, a, b, all_bounds<T>(), inside, outside);
  }
  return inside;
}

// One colour moved into the gamut; returns whether it had to be.
template <class T>
NC_HD bool clip_to_gamut(T& lightness, T& a, T& b) {
  const T nothing = poison(lightness, a, b);
  const T shown = clamp_lightness(lightness);
  const T scale = gamut_scale(shown, a, b);
  const bool clipped = (scale < T(1)) | !lightness_is_valid(lightness);
  lightness = shown + nothing;
  a = scale * a + nothing;
  b = scale * b + nothing;
  return clipped;
}

}  // namespace napari_colorize::math
