// The way from Lab to sRGB for sixteen pixels at once, where AVX-512 has instructions that the formulas
// of math/colour.h, made for every processor, cannot name: half as many of them.
//
// A power of x = 2^e m, 1 <= m < 2, is the product of 2^(e p), looked up, and of a polynomial in m.
// Assembly, because intrinsics cannot be inlined through functions that are shared with narrower
// versions.
#pragma once

#include "cpu/wide_vector.h"
#include "math/colour.h"

#if defined(NC_WIDE_VECTORS)

namespace napari_colorize {

typedef int32_t WideBits __attribute__((vector_size(64)));

// A store past the caches, to an address that is a multiple of 64.
NC_HD void stream_vector(float* to, WideVector value) {
  asm volatile("vmovntps %1, %0" : "=m"(*reinterpret_cast<WideVector*>(to)) : "v"(value));
}

namespace math {

template <>
NC_HD WideVector constant<WideVector>(double value) {
  return WideVector{} + static_cast<float>(value);
}

template <>
NC_HD WideVector where_above(WideVector x, double limit, WideVector then, WideVector otherwise) {
  uint16_t lanes;
  asm("vcmpps $30, %2, %1, %0" : "=Yk"(lanes) : "v"(x), "v"(constant<WideVector>(limit)));
  asm("vmovaps %1, %0%{%2%}" : "+v"(otherwise) : "v"(then), "Yk"(lanes));
  return otherwise;
}

// In this order of operands NaN stays NaN.
template <>
NC_HD WideVector clamp_to_unit(WideVector value) {
  WideVector result;
  asm("vmaxps %2, %1, %0" : "=v"(result) : "v"(WideVector{}), "v"(value));
  asm("vminps %2, %1, %0" : "=v"(result) : "v"(constant<WideVector>(1)), "v"(result));
  return result;
}

// 2^(5 e / 12) at place e mod 16, for e of a float's exponent bits: of -15...0, the place of 127 + e.
alignas(64) constexpr float kPowersOfOctaves[16] = {
    0.0131390067f, 0.0175384693f, 0.0234110486f, 0.03125f,     0.0417137444f, 0.055681169f,
    0.0743254423f, 0.0992125645f, 0.132432893f,  0.176776692f, 0.235968575f,  0.314980268f,
    0.420448214f,  0.561231017f,  0.749153554f,  1.0f};

// As for one pixel, the curve's relative error 1.4e-6: l^(5/12) of the mantissa, times 1.055, by a
// minimax polynomial. Light too dark for the table is on the line.
template <>
NC_HD WideVector code_from_linear(WideVector linear) {
  const WideVector light = clamp_to_unit(linear);
  WideBits bits;
  memcpy(&bits, &light, sizeof(bits));
  const WideBits octave = bits >> 23;
  const WideBits mantissa = (bits & 0x007fffff) | 0x3f800000;
  WideVector m, scale, powers;
  memcpy(&m, &mantissa, sizeof(m));
  memcpy(&powers, kPowersOfOctaves, sizeof(powers));
  asm("vpermps %2, %1, %0" : "=v"(scale) : "v"(octave), "v"(powers));
  WideVector p = m * 0.005734318867325783f - 0.05424495413899422f;
  p = p * m + 0.2200390249490738f;
  p = p * m - 0.5187753438949585f;
  p = p * m + 1.0052196979522705f;
  p = p * m + 0.39702847599983215f;
  return where_above(light, 0.0031308, p * scale - 0.055f, light * 12.92f);
}

}  // namespace math

}  // namespace napari_colorize

#endif
