// sRGB, linear light and CIE 1976 L*a*b*, one pixel at a time; host and device.
//
//   sRGB codes c in [0, 1]    IEC 61966-2-1
//   linear light l            l = c / 12.92 or ((c + 0.055) / 1.055)^2.4
//   x, y, z                   CIE XYZ divided by the white (D65, 2 degrees): grey is x = y = z
//   L 0...100, a, b           L = 116 f(y) - 16, a = 500 (f(x) - f(y)), b = 200 (f(y) - f(z))
//
// The white is the sum of the matrix's columns, as in OpenCV, so that grey has a = b = 0. float uses
// polynomials and a cube root without divisions (error in Lab below 2.5e-4, in sRGB below 1e-5);
// double uses the standard library's functions.
#pragma once

#include "math/platform.h"

namespace napari_colorize::math {

constexpr double kXyz[3][3] = {{0.412453, 0.357580, 0.180423},
                               {0.212671, 0.715160, 0.072169},
                               {0.019334, 0.119193, 0.950227}};

// The matrix with rows divided by the white. Scalars, because device code may not index host arrays.
constexpr double row_of(int i, int j) { return kXyz[i][j] / (kXyz[i][0] + kXyz[i][1] + kXyz[i][2]); }
constexpr double kXr = row_of(0, 0), kXg = row_of(0, 1), kXb = row_of(0, 2);
constexpr double kYr = row_of(1, 0), kYg = row_of(1, 1), kYb = row_of(1, 2);
constexpr double kZr = row_of(2, 0), kZg = row_of(2, 1), kZb = row_of(2, 2);

// Its inverse, by cofactors.
constexpr double kDeterminant = kXr * (kYg * kZb - kYb * kZg) - kXg * (kYr * kZb - kYb * kZr) +
                                kXb * (kYr * kZg - kYg * kZr);
constexpr double kRx = (kYg * kZb - kYb * kZg) / kDeterminant;
constexpr double kRy = (kXb * kZg - kXg * kZb) / kDeterminant;
constexpr double kRz = (kXg * kYb - kXb * kYg) / kDeterminant;
constexpr double kGx = (kYb * kZr - kYr * kZb) / kDeterminant;
constexpr double kGy = (kXr * kZb - kXb * kZr) / kDeterminant;
constexpr double kGz = (kXb * kYr - kXr * kYb) / kDeterminant;
constexpr double kBx = (kYr * kZg - kYg * kZr) / kDeterminant;
constexpr double kBy = (kXg * kZr - kXr * kZg) / kDeterminant;
constexpr double kBz = (kXr * kYg - kXg * kYr) / kDeterminant;

constexpr double kDelta = 6.0 / 29.0;  // where f and its inverse change from line to cube

template <class T>
struct Triple {
  T first, second, third;
};

// Into [0, 1]; NaN stays NaN.
template <class T>
NC_HD T clamp_to_unit(T value) {
  return value < T(0) ? T(0) : (value > T(1) ? T(1) : value);
}

NC_HD int32_t bits_of(float value) {
#if defined(__CUDA_ARCH__)
  return __float_as_int(value);
#else
  int32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
#endif
}

NC_HD float float_of(int32_t bits) {
#if defined(__CUDA_ARCH__)
  return __int_as_float(bits);
#else
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
#endif
}

// Cube root of x in [0, 1], relative error about 1e-7, without a division: 1 / cbrt(x) is started
// from the exponent (3 %), refined to fourth order (2e-5), turned into cbrt(x), and refined once
// more by Newton's rule, whose divisor 3 y^2 is known from the reciprocal.
NC_HD float cube_root(float x) {
  const float third_of_bits = static_cast<float>(bits_of(x)) * (1.0f / 3.0f);
  float r = float_of(0x54a2fa8c - static_cast<int32_t>(third_of_bits));
  const float error = 1.0f - x * r * r * r;
  r += r * error * (1.0f / 3.0f + error * (2.0f / 9.0f + error * (14.0f / 81.0f)));
  const float r_squared = r * r;
  const float y = x * r_squared;
  return y + (x - y * y * y) * (r_squared * (1.0f / 3.0f));
}

NC_HD double cube_root(double x) { return cbrt(x); }

NC_HD float square_root(float x) { return sqrtf(x); }
NC_HD double square_root(double x) { return sqrt(x); }

// sRGB code in [0, 1] to linear light. With t = (c + 0.055) / 1.055 and s = sqrt(t):
// t^2.4 = t^2 s^0.8, where s^0.8 is nearly straight; the degree-7 polynomial for it is a minimax fit
// on s in [0.30, 1], weighted by l^(-2/3) as Lab weights it (4e-7).
NC_HD float linear_from_code(float code) {
  const float t = code * (1.0f / 1.055f) + (0.055f / 1.055f);
  const float s = square_root(t);
  float power = 0.12538088867325148f;
  power = power * s - 0.6776052904908492f;
  power = power * s + 1.5956579616362752f;
  power = power * s - 2.163823126066125f;
  power = power * s + 1.9053243017070978f;
  power = power * s - 1.2375391524812445f;
  power = power * s + 1.4241075886229988f;
  power = power * s + 0.028497015396234726f;
  return code > 0.04045f ? power * t * t : code * (1.0f / 12.92f);
}

NC_HD double linear_from_code(double code) {
  return code > 0.04045 ? pow((code + 0.055) / 1.055, 2.4) : code / 12.92;
}

// l^(1/2.4) = l^(5/12) = sqrt(sqrt(l) cbrt(l)).
NC_HD float power_of_linear(float linear) {
  return square_root(square_root(linear) * cube_root(linear));
}

NC_HD double power_of_linear(double linear) { return pow(linear, 1.0 / 2.4); }

// Linear light to sRGB code; the light is clamped to [0, 1] first, NaN stays NaN.
template <class T>
NC_HD T code_from_linear(T linear) {
  const T light = clamp_to_unit(linear);
  const T curved = T(1.055) * power_of_linear(light) - T(0.055);
  return light > T(0.0031308) ? curved : light * T(12.92);
}

// Code in [0, 1] to 0...255, rounded to nearest; NaN becomes 0.
template <class T>
NC_HD uint8_t byte_from_code(T code) {
  const T scaled = (code > T(0) ? code : T(0)) * T(255) + T(0.5);
  return static_cast<uint8_t>(static_cast<int32_t>(scaled));
}

// CIE's f, and back.
template <class T>
NC_HD T lightness_response(T x) {
  constexpr double kSlope = 1.0 / (3.0 * kDelta * kDelta);
  return x > T(kDelta * kDelta * kDelta) ? cube_root(x) : x * T(kSlope) + T(4.0 / 29.0);
}

template <class T>
NC_HD T inverse_response(T f) {
  return f > T(kDelta) ? f * f * f : (f - T(4.0 / 29.0)) * T(3.0 * kDelta * kDelta);
}

template <class T>
NC_HD Triple<T> lab_from_linear(T red, T green, T blue) {
  const T fx = lightness_response(T(kXr) * red + T(kXg) * green + T(kXb) * blue);
  const T fy = lightness_response(T(kYr) * red + T(kYg) * green + T(kYb) * blue);
  const T fz = lightness_response(T(kZr) * red + T(kZg) * green + T(kZb) * blue);
  return {T(116) * fy - T(16), T(500) * (fx - fy), T(200) * (fy - fz)};
}

// Not clamped: outside [0, 1] where sRGB cannot show the colour.
template <class T>
NC_HD Triple<T> linear_from_lab(T lightness, T a, T b) {
  const T fy = (lightness + T(16)) * T(1.0 / 116.0);
  const T x = inverse_response(fy + a * T(1.0 / 500.0));
  const T y = inverse_response(fy);
  const T z = inverse_response(fy - b * T(1.0 / 200.0));
  return {T(kRx) * x + T(kRy) * y + T(kRz) * z, T(kGx) * x + T(kGy) * y + T(kGz) * z,
          T(kBx) * x + T(kBy) * y + T(kBz) * z};
}

}  // namespace napari_colorize::math
