// Loops over math/colour.h, compiled once per instruction set. A loop's body is written once for float
// and double, planar and interleaved, and must be inlined to be vectorised with its caller.
#include "cpu/colour_blocks.h"

#include "cpu/multiversion.h"
#include "math/colour.h"

namespace napari_colorize {

namespace {

// Calls loop.run with steps that are constants, because the vectoriser knows only those.
template <class Loop, class In, class Out>
NC_HD void run_loop(const Loop& loop, int64_t count, Channels<In> in, Channels<Out> out) {
  if (in.is_planar() && out.is_planar()) {
    loop.template run<1, 1>(count, in.data, in.channel, out.data, out.channel);
  } else if (in.is_planar()) {
    loop.template run<1, 3>(count, in.data, in.channel, out.data, 1);
  } else if (out.is_planar()) {
    loop.template run<3, 1>(count, in.data, 1, out.data, out.channel);
  } else {
    loop.template run<3, 3>(count, in.data, 1, out.data, 1);
  }
}

template <class T>
struct LabFromCodes {
  template <int InStep, int OutStep>
  NC_HD void run(int64_t count, const T* __restrict in, int64_t in_channel, T* __restrict out,
                 int64_t out_channel) const {
    NC_INDEPENDENT
    for (int64_t i = 0; i < count; ++i) {
      const T* code = in + InStep * i;
      const math::Triple<T> lab = math::lab_from_linear(
          math::linear_from_code(math::clamp_to_unit(code[0])),
          math::linear_from_code(math::clamp_to_unit(code[in_channel])),
          math::linear_from_code(math::clamp_to_unit(code[2 * in_channel])));
      T* to = out + OutStep * i;
      to[0] = lab.first;
      to[out_channel] = lab.second;
      to[2 * out_channel] = lab.third;
    }
  }
};

struct LabFromBytes {
  const float* linear;

  template <int InStep, int OutStep>
  NC_HD void run(int64_t count, const uint8_t* __restrict in, int64_t in_channel,
                 float* __restrict out, int64_t out_channel) const {
    const float* __restrict light = linear;
    NC_INDEPENDENT
    for (int64_t i = 0; i < count; ++i) {
      const uint8_t* byte = in + InStep * i;
      const math::Triple<float> lab = math::lab_from_linear(
          light[byte[0]], light[byte[in_channel]], light[byte[2 * in_channel]]);
      float* to = out + OutStep * i;
      to[0] = lab.first;
      to[out_channel] = lab.second;
      to[2 * out_channel] = lab.third;
    }
  }
};

template <class T>
struct CodesFromLab {
  template <int InStep, int OutStep>
  NC_HD void run(int64_t count, const T* __restrict in, int64_t in_channel, T* __restrict out,
                 int64_t out_channel) const {
    NC_INDEPENDENT
    for (int64_t i = 0; i < count; ++i) {
      const T* lab = in + InStep * i;
      const math::Triple<T> linear =
          math::linear_from_lab(lab[0], lab[in_channel], lab[2 * in_channel]);
      T* to = out + OutStep * i;
      to[0] = math::code_from_linear(linear.first);
      to[out_channel] = math::code_from_linear(linear.second);
      to[2 * out_channel] = math::code_from_linear(linear.third);
    }
  }
};

template <class T>
struct BytesFromCodes {
  template <int InStep, int OutStep>
  NC_HD void run(int64_t count, const T* __restrict in, int64_t in_channel,
                 uint8_t* __restrict out, int64_t out_channel) const {
    NC_INDEPENDENT
    for (int64_t i = 0; i < count; ++i) {
      const T* code = in + InStep * i;
      uint8_t* to = out + OutStep * i;
      to[0] = math::byte_from_code(code[0]);
      to[out_channel] = math::byte_from_code(code[in_channel]);
      to[2 * out_channel] = math::byte_from_code(code[2 * in_channel]);
    }
  }
};

// By way of floats, because one loop over both sizes of numbers would have to take 64 pixels at once.
template <class T>
NC_HD void bytes_from_lab(int64_t count, Channels<const T> lab, Channels<uint8_t> bytes) {
  Planes<T> codes;
  run_loop(CodesFromLab<T>{}, count, lab, codes.channels());
  const Channels<T> made = codes.channels();
  run_loop(BytesFromCodes<T>{}, count, Channels<const T>{made.data, made.channel, 1}, bytes);
}

}  // namespace

NC_MULTIVERSION void lab_from_codes_block(int64_t count, Channels<const float> codes,
                                          Channels<float> lab) {
  run_loop(LabFromCodes<float>{}, count, codes, lab);
}

void lab_from_codes_block(int64_t count, Channels<const double> codes, Channels<double> lab) {
  run_loop(LabFromCodes<double>{}, count, codes, lab);
}

NC_MULTIVERSION void lab_from_bytes_block(int64_t count, Channels<const uint8_t> bytes,
                                          const float* linear, Channels<float> lab) {
  run_loop(LabFromBytes{linear}, count, bytes, lab);
}

NC_MULTIVERSION void codes_from_lab_block(int64_t count, Channels<const float> lab,
                                          Channels<float> codes) {
  run_loop(CodesFromLab<float>{}, count, lab, codes);
}

void codes_from_lab_block(int64_t count, Channels<const double> lab, Channels<double> codes) {
  run_loop(CodesFromLab<double>{}, count, lab, codes);
}

NC_MULTIVERSION void bytes_from_lab_block(int64_t count, Channels<const float> lab,
                                          Channels<uint8_t> bytes) {
  bytes_from_lab(count, lab, bytes);
}

void bytes_from_lab_block(int64_t count, Channels<const double> lab, Channels<uint8_t> bytes) {
  bytes_from_lab(count, lab, bytes);
}

NC_MULTIVERSION void code_from_lab_block(int64_t count, float* lightness, float* a, float* b) {
  for (int64_t i = 0; i < count; ++i) {
    const math::Triple<float> linear = math::linear_from_lab(lightness[i], a[i], b[i]);
    lightness[i] = math::code_from_linear(linear.first);
    a[i] = math::code_from_linear(linear.second);
    b[i] = math::code_from_linear(linear.third);
  }
}

NC_MULTIVERSION void byte_from_code_block(int64_t count, const float* codes, uint8_t* bytes,
                                          int64_t step) {
  for (int64_t i = 0; i < count; ++i) {
    bytes[i * step] = math::byte_from_code(codes[i]);
  }
}

}  // namespace napari_colorize
