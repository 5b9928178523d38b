// Gradients of the joint bilateral filter, a thread a pixel: first the sums of weights, then each pixel
// collects what its disk asks of it, see math/bilateral_gradients.h. No atomics: the order of all sums
// is fixed. Tiles in shared memory as the filter has them, with the same way out for large radii.
#include "cuda/bilateral_gradients.h"

#include "cuda/launch.h"
#include "cuda/tile.h"
#include "math/bilateral_gradients.h"

namespace napari_colorize::cuda {

namespace {

constexpr int kPlanes = 2;
constexpr int kGuidePlanes = 2 + 2 * kPlanes;  // of a tile: guide, own, scaled …, chroma …
constexpr int kChromaPlanes = 1 + kPlanes;     // guide, scaled …: enough for the chroma's gradient

// Units of the exponents and of the guide's gradient, once a launch.
template <class Scalar>
struct Units {
  Scalar range, space, slope;
};

// Planes first … of one image, as they lie in global memory.
template <class Scalar, int Planes, bool ToGuide>
struct Image {
  using Index = int64_t;
  const Scalar *gradient, *chroma, *out, *guide, *reciprocal;
  int64_t pixels, pitch;
  Scalar range;

  __device__ Image(const FilterGradients<Scalar>& task, int64_t n, int64_t c, Scalar range)
      : pixels(task.height * task.width), pitch(task.width), range(range) {
    const int64_t first = (n * task.planes + c) * pixels;
    gradient = task.gradient + first;
    chroma = task.chroma + first;
    out = task.out + first;
    guide = task.guide + n * pixels;
    reciprocal = task.reciprocal + n * pixels;
  }

  __device__ int64_t index(int64_t y, int64_t x) const { return y * pitch + x; }

  __device__ FilterPixel<Scalar, Planes> load(int64_t at) const {
    FilterPixel<Scalar, Planes> pixel;
    pixel.guide = guide[at] * range;
    pixel.own = 0;
#pragma unroll
    for (int c = 0; c < Planes; ++c) {
      pixel.scaled[c] = gradient[c * pixels + at] * reciprocal[at];
      if (ToGuide) {
        pixel.chroma[c] = chroma[c * pixels + at];
        pixel.own += own_pull(pixel.scaled[c], pixel.chroma[c], out[c * pixels + at]);
      }
    }
    return pixel;
  }
};

// The same in shared memory.
template <class Scalar, int Planes, bool ToGuide>
struct SharedImage {
  using Index = int;
  const Tile& tile;
  Scalar* planes;
  int pitch;

  __device__ int index(int64_t y, int64_t x) const { return tile.index(y, x); }

  __device__ void store(int at, const FilterPixel<Scalar, Planes>& pixel) const {
    planes[at] = pixel.guide;
#pragma unroll
    for (int c = 0; c < Planes; ++c) {
      planes[(1 + c) * tile.plane + at] = pixel.scaled[c];
      if (ToGuide) {
        planes[(1 + kPlanes + c) * tile.plane + at] = pixel.chroma[c];
      }
    }
    if (ToGuide) {
      planes[(1 + 2 * kPlanes) * tile.plane + at] = pixel.own;
    }
  }

  __device__ FilterPixel<Scalar, Planes> load(int at) const {
    FilterPixel<Scalar, Planes> pixel;
    pixel.guide = planes[at];
#pragma unroll
    for (int c = 0; c < Planes; ++c) {
      pixel.scaled[c] = planes[(1 + c) * tile.plane + at];
      if (ToGuide) {
        pixel.chroma[c] = planes[(1 + kPlanes + c) * tile.plane + at];
      }
    }
    if (ToGuide) {
      pixel.own = planes[(1 + 2 * kPlanes) * tile.plane + at];
    }
    return pixel;
  }
};

template <bool ToChroma, bool ToGuide, int Planes, class Scalar, class Source>
__device__ FilterGradient<Scalar, Planes> collect_pixel(const Source& source, int64_t y, int64_t x,
                                                        const FilterGradients<Scalar>& task,
                                                        Scalar space) {
  using Index = typename Source::Index;
  const Index at = source.index(y, x), pitch = source.pitch;
  const FilterPixel<Scalar, Planes> here = source.load(at);
  FilterGradient<Scalar, Planes> sums{};
  for_each_tap(task.radius, y, x, task.height, task.width, [&](int dy, int dx) {
    add_neighbour<ToChroma, ToGuide>(here, source.load(at + dy * pitch + dx),
                                     static_cast<Scalar>(dx * dx + dy * dy) * space, sums);
  });
  return sums;
}

// Planes c … c + Planes − 1 of image n; returns what they ask of the guide.
template <class Scalar, int Planes, bool ToChroma, bool ToGuide, bool Shared>
__device__ Scalar collect_planes(const FilterGradients<Scalar>& task, int64_t n, int64_t c,
                                 const Tile& tile, Scalar* memory, const Units<Scalar>& units) {
  const int64_t y = tile.top + threadIdx.y, x = tile.left + threadIdx.x;
  const Image<Scalar, Planes, ToGuide> image(task, n, c, units.range);
  const SharedImage<Scalar, Planes, ToGuide> shared{tile, memory, tile.pitch};
  if (Shared) {
    tile.fill(task.height, task.width, [&](int at, int64_t row, int64_t column) {
      shared.store(at, image.load(image.index(row, column)));
    });
  }
  if (y >= task.height || x >= task.width) {
    return 0;
  }
  FilterGradient<Scalar, Planes> sums;
  if (Shared) {
    sums = collect_pixel<ToChroma, ToGuide, Planes>(shared, y, x, task, units.space);
  } else {
    sums = collect_pixel<ToChroma, ToGuide, Planes>(image, y, x, task, units.space);
  }
  for (int k = 0; ToChroma && k < Planes; ++k) {
    task.to_chroma[((n * task.planes + c + k) * task.height + y) * task.width + x] =
        sums.chroma[k];
  }
  return sums.guide;
}

template <class Scalar, bool ToChroma, bool ToGuide, bool Shared>
__global__ void collect_kernel(FilterGradients<Scalar> task, Units<Scalar> units) {
  extern __shared__ __align__(16) unsigned char memory[];
  auto* shared = reinterpret_cast<Scalar*>(memory);
  const Tile tile(task.radius);
  const int64_t y = tile.top + threadIdx.y, x = tile.left + threadIdx.x;
  for (int64_t n = blockIdx.z; n < task.images; n += gridDim.z) {
    Scalar to_guide = 0;
    for (int64_t c = 0; c < task.planes; c += kPlanes) {
      to_guide += task.planes - c == 1
                      ? collect_planes<Scalar, 1, ToChroma, ToGuide, Shared>(task, n, c, tile,
                                                                             shared, units)
                      : collect_planes<Scalar, 2, ToChroma, ToGuide, Shared>(task, n, c, tile,
                                                                             shared, units);
    }
    if (ToGuide && y < task.height && x < task.width) {
      task.to_guide[(n * task.height + y) * task.width + x] = to_guide * units.slope;
    }
  }
}

template <class Scalar, bool Shared>
__global__ void reciprocal_kernel(FilterGradients<Scalar> task, Units<Scalar> units) {
  extern __shared__ __align__(16) unsigned char memory[];
  const Tile tile(task.radius);
  const int64_t y = tile.top + threadIdx.y, x = tile.left + threadIdx.x;
  const int64_t pixels = task.height * task.width;
  for (int64_t n = blockIdx.z; n < task.images; n += gridDim.z) {
    const Scalar* guide = task.guide + n * pixels;
    int64_t here = y * task.width + x, pitch = task.width;
    if (Shared) {
      auto* shared = reinterpret_cast<Scalar*>(memory);
      tile.fill(task.height, task.width, [&](int at, int64_t row, int64_t column) {
        shared[at] = guide[row * task.width + column];
      });
      guide = shared;
      here = tile.index(y, x);
      pitch = tile.pitch;
    }
    if (y < task.height && x < task.width) {
      const Scalar centre = guide[here] * units.range;
      Scalar norm = 0;
      for_each_tap(task.radius, y, x, task.height, task.width, [&](int dy, int dx) {
        norm += filter_weight(guide[here + dy * pitch + dx] * units.range - centre,
                              static_cast<Scalar>(dx * dx + dy * dy) * units.space);
      });
      task.reciprocal[n * pixels + y * task.width + x] = Scalar(1) / norm;
    }
  }
}

// Launches the kernel with shared memory where the device has enough of it, else the other one.
template <class Kernel, class Scalar>
int launch_tiles(Kernel shared, Kernel plain, int planes, const FilterGradients<Scalar>& task,
                 const Units<Scalar>& units, void* stream) {
  const dim3 threads(kColumns, kRows), blocks = tile_blocks(task.images, task.height, task.width);
  const auto queue = static_cast<cudaStream_t>(stream);
  const size_t bytes = tile_bytes(task.radius, planes, sizeof(Scalar));
  if (grants_shared(shared, bytes)) {
    shared<<<blocks, threads, bytes, queue>>>(task, units);
  } else {
    plain<<<blocks, threads, 0, queue>>>(task, units);
  }
  return cudaGetLastError();
}

template <class Scalar, bool ToChroma, bool ToGuide>
int launch_collect(const FilterGradients<Scalar>& task, const Units<Scalar>& units, void* stream) {
  return launch_tiles(collect_kernel<Scalar, ToChroma, ToGuide, true>,
                      collect_kernel<Scalar, ToChroma, ToGuide, false>,
                      ToGuide ? kGuidePlanes : kChromaPlanes, task, units, stream);
}

template <class Scalar>
int launch(const FilterGradients<Scalar>& task, void* stream) {
  const Units<Scalar> units{static_cast<Scalar>(guide_scale(task.sigma_range)),
                            static_cast<Scalar>(space_exponent(1.0, task.sigma_space)),
                            static_cast<Scalar>(guide_slope(task.sigma_range))};
  const int status = launch_tiles(reciprocal_kernel<Scalar, true>,
                                  reciprocal_kernel<Scalar, false>, 1, task, units, stream);
  if (status != cudaSuccess) {
    return status;
  }
  if (task.to_guide == nullptr) {
    return launch_collect<Scalar, true, false>(task, units, stream);
  }
  return task.to_chroma == nullptr ? launch_collect<Scalar, false, true>(task, units, stream)
                                   : launch_collect<Scalar, true, true>(task, units, stream);
}

}  // namespace

int joint_bilateral_backward(const FilterGradients<float>& task, void* stream) {
  return launch(task, stream);
}

int joint_bilateral_backward(const FilterGradients<double>& task, void* stream) {
  return launch(task, stream);
}

}  // namespace napari_colorize::cuda
