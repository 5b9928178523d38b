// What an 8-bit sRGB code means, for all 256 of them; made on first use, on the host.
#pragma once

#include "math/colour.h"

namespace napari_colorize::math {

template <class T>
struct CodeTables {
  T linear[256];     // linear light, 0...1
  T lightness[256];  // L of the grey with that code, 0...100

  CodeTables() {
    for (int code = 0; code < 256; ++code) {
      const double light = linear_from_code(code / 255.0);
      linear[code] = static_cast<T>(light);
      lightness[code] = static_cast<T>(116.0 * lightness_response(light) - 16.0);
    }
  }
};

template <class T>
inline const CodeTables<T>& code_tables() {
  static const CodeTables<T> tables;
  return tables;
}

}  // namespace napari_colorize::math
