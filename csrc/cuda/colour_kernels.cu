// The colour kernels: a thread a pixel over the same mathematics as the CPU's loops.
#include "cuda/colour.h"

#include "cuda/launch.h"
#include "math/gamut.h"

namespace napari_colorize::cuda {

namespace {

template <class T>
__device__ T code_of(T value) {
  return math::clamp_to_unit(value);
}

__device__ float code_of(uint8_t value) { return static_cast<float>(value) * (1.0f / 255.0f); }

template <class T>
__device__ void store_code(T code, T* out) {
  *out = code;
}

template <class T>
__device__ void store_code(T code, uint8_t* out) {
  *out = math::byte_from_code(code);
}

template <class In, class T>
__global__ void rgb_to_lab_kernel(const In* rgb, T* lab, PixelLayout layout) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < layout.pixels;
       i += step) {
    const PixelOffsets at = layout.locate(i);
    const In* pixel = rgb + at.in;
    const math::Triple<T> colour =
        math::lab_from_linear<T>(math::linear_from_code(code_of(pixel[0])),
                                 math::linear_from_code(code_of(pixel[layout.in_channel])),
                                 math::linear_from_code(code_of(pixel[2 * layout.in_channel])));
    T* out = lab + at.out;
    out[0] = colour.first;
    out[layout.out_channel] = colour.second;
    out[2 * layout.out_channel] = colour.third;
  }
}

template <class T, class Out>
__global__ void lab_to_rgb_kernel(const T* lab, Out* rgb, PixelLayout layout) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < layout.pixels;
       i += step) {
    const PixelOffsets at = layout.locate(i);
    const T* pixel = lab + at.in;
    const math::Triple<T> linear =
        math::linear_from_lab(pixel[0], pixel[layout.in_channel], pixel[2 * layout.in_channel]);
    Out* out = rgb + at.out;
    store_code(math::code_from_linear(linear.first), out);
    store_code(math::code_from_linear(linear.second), out + layout.out_channel);
    store_code(math::code_from_linear(linear.third), out + 2 * layout.out_channel);
  }
}

template <class T>
__global__ void gamut_clip_kernel(const T* lab, T* inside, bool* clipped, PixelLayout layout) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < layout.pixels;
       i += step) {
    const PixelOffsets at = layout.locate(i);
    const T* pixel = lab + at.in;
    T lightness = pixel[0], a = pixel[layout.in_channel], b = pixel[2 * layout.in_channel];
    clipped[i] = math::clip_to_gamut(lightness, a, b);
    T* out = inside + at.out;
    out[0] = lightness;
    out[layout.out_channel] = a;
    out[2 * layout.out_channel] = b;
  }
}

template <class In, class T>
int launch_rgb_to_lab(const In* rgb, T* lab, const PixelLayout& layout, void* stream) {
  if (layout.pixels > 0) {
    rgb_to_lab_kernel<<<blocks_for(layout.pixels), kThreads, 0,
                        static_cast<cudaStream_t>(stream)>>>(rgb, lab, layout);
  }
  return cudaGetLastError();
}

template <class T, class Out>
int launch_lab_to_rgb(const T* lab, Out* rgb, const PixelLayout& layout, void* stream) {
  if (layout.pixels > 0) {
    lab_to_rgb_kernel<<<blocks_for(layout.pixels), kThreads, 0,
                        static_cast<cudaStream_t>(stream)>>>(lab, rgb, layout);
  }
  return cudaGetLastError();
}

template <class T>
int launch_gamut_clip(const T* lab, T* inside, bool* clipped, const PixelLayout& layout,
                      void* stream) {
  if (layout.pixels > 0) {
    gamut_clip_kernel<<<blocks_for(layout.pixels), kThreads, 0,
                        static_cast<cudaStream_t>(stream)>>>(lab, inside, clipped, layout);
  }
  return cudaGetLastError();
}

}  // namespace

int rgb_to_lab(const uint8_t* rgb, float* lab, const PixelLayout& layout, void* stream) {
  return launch_rgb_to_lab(rgb, lab, layout, stream);
}

int rgb_to_lab(const float* rgb, float* lab, const PixelLayout& layout, void* stream) {
  return launch_rgb_to_lab(rgb, lab, layout, stream);
}

int rgb_to_lab(const double* rgb, double* lab, const PixelLayout& layout, void* stream) {
  return launch_rgb_to_lab(rgb, lab, layout, stream);
}

int lab_to_rgb(const float* lab, float* rgb, const PixelLayout& layout, void* stream) {
  return launch_lab_to_rgb(lab, rgb, layout, stream);
}

int lab_to_rgb(const double* lab, double* rgb, const PixelLayout& layout, void* stream) {
  return launch_lab_to_rgb(lab, rgb, layout, stream);
}

int lab_to_rgb(const float* lab, uint8_t* rgb, const PixelLayout& layout, void* stream) {
  return launch_lab_to_rgb(lab, rgb, layout, stream);
}

int lab_to_rgb(const double* lab, uint8_t* rgb, const PixelLayout& layout, void* stream) {
  return launch_lab_to_rgb(lab, rgb, layout, stream);
}

int gamut_clip(const float* lab, float* inside, bool* clipped, const PixelLayout& layout,
               void* stream) {
  return launch_gamut_clip(lab, inside, clipped, layout, stream);
}

int gamut_clip(const double* lab, double* inside, bool* clipped, const PixelLayout& layout,
               void* stream) {
  return launch_gamut_clip(lab, inside, clipped, layout, stream);
}

}  // namespace napari_colorize::cuda
