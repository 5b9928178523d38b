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

// A number as a T, which may be a vector of them (cpu/wide_colour.h).
template <class T>
NC_HD T constant(double value) {
  return static_cast<T>(value);
}

// `then` where x > limit, else `otherwise`; so also where x is NaN.
template <class T>
NC_HD T where_above(T x, double limit, T then, T otherwise) {
  return x > constant<T>(limit) ? then : otherwise;
}

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

// Roots without a division or a square root. Read as a number, the bits of x are nearly its logarithm
// (within 0.043); a polynomial in them is r, near x^(-1/n), so that e = 1 - x r^n is small (0.036),
// and the rest is the series of (1 - e)^p. The coefficients are minimax fits.
NC_HD float rough_logarithm(float x) {
  return static_cast<float>(bits_of(x) - 0x3d800000);  // near 2^23 (log2 x + 4)
}

constexpr float kBit = 1.0f / 8388608.0f;

// Cube root of x in [0, 1], relative error 2e-7 from 0.0088 on (below, f is a line):
// x r^2 (1 - e)^(-2/3).
NC_HD float cube_root(float x) {
  const float t = rough_logarithm(x);
  const float r = 2.495607376f + t * (-0.580530405f * kBit + t * (0.0668582544f * kBit * kBit +
                         t * (-0.00397375133f * kBit * kBit * kBit)));
  const float xr = x * r;
  const float e = 1.0f - xr * (r * r);
  const float start = xr * r;
  return start + start * e * (0.666666687f + e * (0.555975497f + e * 0.494035929f));
}

NC_HD double cube_root(double x) { return cbrt(x); }

NC_HD float square_root(float x) { return sqrtf(x); }
NC_HD double square_root(double x) { return sqrt(x); }

// sRGB code in [0, 1] to linear light: with t = (c + 0.055) / 1.055 and r near t^(-1/5),
// t^2.4 = (t r)^3 (1 - e)^(-3/5).
NC_HD float linear_from_code(float code) {
  const float curved = code * (1.0f / 1.055f) + (0.055f / 1.055f);
  const float t = rough_logarithm(curved);
  const float r = 1.72529411f + t * (-0.231088266f * kBit + t * (0.0121779125f * kBit * kBit));
  const float tr = curved * r;
  const float r_squared = r * r;
  const float e = 1.0f - tr * r_squared * r_squared;
  const float start = tr * tr * tr;
  const float power = start + start * e * (0.600000262f + e * (0.480299711f + e * 0.415761143f));
  return code > 0.04045f ? power : code * (1.0f / 12.92f);
}

NC_HD double linear_from_code(double code) {
  return code > 0.04045 ? pow((code + 0.055) / 1.055, 2.4) : code / 12.92;
}

// l^(1/2.4) = l^(5/12) = l r^7 (1 - e)^(-7/12), relative error 1e-6 from 0.0031 on (below, the code is
// a line), with r near l^(-1/12).
NC_HD float power_of_linear(float linear) {
  const float t = rough_logarithm(linear);
  const float r = 1.25676608f + t * (-0.0730206445f * kBit + t * (0.00212321687f * kBit * kBit));
  const float r2 = r * r, r4 = r2 * r2;
  const float e = 1.0f - linear * (r4 * r4 * r4);
  const float start = linear * (r2 * r * r4);
  return start + start * e * (0.58333379f + e * (0.462166846f + e * 0.397270948f));
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
  const T line = (f - constant<T>(4.0 / 29.0)) * constant<T>(3.0 * kDelta * kDelta);
  return where_above(f, kDelta, f * f * f, line);
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
  const T fy = (lightness + constant<T>(16)) * constant<T>(1.0 / 116.0);
  const T x = inverse_response(fy + a * constant<T>(1.0 / 500.0));
  const T y = inverse_response(fy);
  const T z = inverse_response(fy - b * constant<T>(1.0 / 200.0));
  return {constant<T>(kRx) * x + constant<T>(kRy) * y + constant<T>(kRz) * z,
          constant<T>(kGx) * x + constant<T>(kGy) * y + constant<T>(kGz) * z,
          constant<T>(kBx) * x + constant<T>(kBy) * y + constant<T>(kBz) * z};
}

}  // namespace napari_colorize::math
