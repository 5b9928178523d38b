// Loops over math/colour.h, compiled once per instruction set. A loop's body is written once for float
// and double, planar and interleaved, and must be inlined to be vectorised with its caller.
#include "cpu/colour_blocks.h"

#include "cpu/memory.h"
#include "cpu/multiversion.h"
#include "cpu/wide_colour.h"

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

// From planes to planes.
struct PlanarRun {
  int64_t count;
  const float* in;
  int64_t in_channel;
  float* out;
  int64_t out_channel;
  bool streams;  // past the caches; the planes of `out` are at equal distances from multiples of 64
};

// Whatever the vectors, the compiler makes them of the loop for one pixel.
template <class Vector>
struct PlanarCodesFromLab {
  static NC_HD void run(const PlanarRun& run) {
    CodesFromLab<float>{}.run<1, 1>(run.count, run.in, run.in_channel, run.out, run.out_channel);
  }
};

#if defined(NC_WIDE_VECTORS)

// So many pixels ahead are fetched: three planes are more than the processor foresees by itself.
constexpr int64_t kFetchedAhead = 256;

template <>
struct PlanarCodesFromLab<WideVector> {
  static constexpr int64_t kWidth = kLanes<WideVector, float>;

  static NC_HD void run(const PlanarRun& run) {
    const int64_t before =
        run.streams ? (kWidth - reinterpret_cast<uintptr_t>(run.out) / sizeof(float)) % kWidth : 0;
    const int64_t head = before < run.count ? before : run.count;
    const int64_t end = head + (run.count - head) / kWidth * kWidth;
    convert_few(run, 0, head);
    for (int64_t i = head; i < end; i += kWidth) {
      convert_vector(run, i);
    }
    convert_few(run, end, run.count);
  }

 private:
  static NC_HD void convert_vector(const PlanarRun& run, int64_t i) {
    const float* in = run.in + i;
    WideVector lab[3];
    for (int c = 0; c < 3; ++c) {
      prefetch(in + c * run.in_channel + kFetchedAhead);
      lab[c] = load_vector<WideVector>(in + c * run.in_channel);
    }
    const auto linear = math::linear_from_lab(lab[0], lab[1], lab[2]);
    const WideVector codes[3] = {math::code_from_linear(linear.first),
                                 math::code_from_linear(linear.second),
                                 math::code_from_linear(linear.third)};
    for (int c = 0; c < 3; ++c) {
      float* out = run.out + c * run.out_channel + i;
      if (run.streams) {
        stream_vector(out, codes[c]);
      } else {
        store_vector(out, codes[c]);
      }
    }
  }

  // Fewer pixels than a vector holds, by way of a whole one: the same result wherever a pixel stands.
  static NC_HD void convert_few(const PlanarRun& run, int64_t begin, int64_t end) {
    if (begin == end) {
      return;
    }
    float lab[3 * kWidth] = {}, codes[3 * kWidth];
    for (int c = 0; c < 3; ++c) {
      for (int64_t i = begin; i < end; ++i) {
        lab[c * kWidth + i - begin] = run.in[c * run.in_channel + i];
      }
    }
    convert_vector({kWidth, lab, kWidth, codes, kWidth, false}, 0);
    for (int c = 0; c < 3; ++c) {
      for (int64_t i = begin; i < end; ++i) {
        run.out[c * run.out_channel + i] = codes[c * kWidth + i - begin];
      }
    }
  }
};

#endif

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

}  // namespace

namespace colour_blocks {

NC_VECTOR_VERSIONS(planar_codes_from_lab, PlanarRun, PlanarCodesFromLab<Vector>::run(argument))

NC_MULTIVERSION void scattered_codes_from_lab(int64_t count, Channels<const float> lab,
                                              Channels<float> codes) {
  run_loop(CodesFromLab<float>{}, count, lab, codes);
}

NC_MULTIVERSION void bytes_from_codes(int64_t count, Channels<const float> codes,
                                      Channels<uint8_t> bytes) {
  run_loop(BytesFromCodes<float>{}, count, codes, bytes);
}

}  // namespace colour_blocks

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

void codes_from_lab_block(int64_t count, Channels<const float> lab, Channels<float> codes,
                          bool streams) {
  if (lab.is_planar() && codes.is_planar()) {
    colour_blocks::planar_codes_from_lab({count, lab.data, lab.channel, codes.data, codes.channel, streams});
  } else {
    colour_blocks::scattered_codes_from_lab(count, lab, codes);
  }
}

void codes_from_lab_block(int64_t count, Channels<const double> lab, Channels<double> codes) {
  run_loop(CodesFromLab<double>{}, count, lab, codes);
}

// By way of floats, because one loop over both sizes of numbers would have to take 64 pixels at once.
void bytes_from_lab_block(int64_t count, Channels<const float> lab, Channels<uint8_t> bytes) {
  Planes<float> codes;
  const Channels<float> made = codes.channels();
  codes_from_lab_block(count, lab, made);
  colour_blocks::bytes_from_codes(count, {made.data, made.channel, 1}, bytes);
}

void bytes_from_lab_block(int64_t count, Channels<const double> lab, Channels<uint8_t> bytes) {
  Planes<double> codes;
  const Channels<double> made = codes.channels();
  codes_from_lab_block(count, lab, made);
  run_loop(BytesFromCodes<double>{}, count, Channels<const double>{made.data, made.channel, 1},
           bytes);
}

NC_MULTIVERSION void byte_from_code_block(int64_t count, const float* codes, uint8_t* bytes,
                                          int64_t step) {
  for (int64_t i = 0; i < count; ++i) {
    bytes[i * step] = math::byte_from_code(codes[i]);
  }
}

}  // namespace napari_colorize
