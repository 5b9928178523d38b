// Gradients of joint bilateral upsampling, see math/bilateral_gradients.h. A thread a full-size pixel
// finds its sum of weights and the gradient of its guide. Then a block a small pixel collects from all
// the full-size pixels that see it, and adds up in a tree: no atomics, the order of all sums is fixed.
#include "cuda/bilateral_gradients.h"

#include "cuda/launch.h"
#include "cuda/upsample_window.h"
#include "math/bilateral_gradients.h"

namespace napari_colorize::cuda {

namespace {

constexpr int kLanes = 32;      // full-size columns that a block looks at together
constexpr int kGangs = 8;       // and full-size rows
constexpr int kRowsHeld = 128;  // whose weights are held at a time
static_assert(kLanes * kGangs == kThreads);

// Planes first … first + Planes − 1 of full-size pixel p of image n.
template <class Scalar, int Planes>
struct FullPixel {
  Scalar gradient[Planes], out[Planes];

  __device__ FullPixel(const UpsampleGradients<Scalar>& task, int64_t n, int64_t first, int64_t p,
                       Scalar scale) {
    const int64_t pixels = task.small.height * task.small.width;
#pragma unroll
    for (int c = 0; c < Planes; ++c) {
      const int64_t at = (n * task.small.planes + first + c) * pixels + p;
      gradient[c] = task.gradient[at] * scale;
      out[c] = task.out[at];
    }
  }
};

template <class Scalar>
struct Look {
  Scalar norm, pull;
};

// The sum of weights of a full-size pixel; and what `Planes` planes ask of its guide, times that sum.
template <class Scalar, int Planes>
__device__ Look<Scalar> look_around(const UpsampleGradients<Scalar>& task,
                                    const Window<Scalar>& window, int64_t n, int64_t first,
                                    int64_t p, Weights<Scalar> weights) {
  const Small<Scalar>& small = task.small;
  const int64_t pixels = small.small_height * small.small_width;
  const Scalar* guide = small.guide + n * pixels;
  const Scalar* chroma = small.chroma + (n * small.planes + first) * pixels;
  const Scalar centre = task.guide[n * small.height * small.width + p] * weights.range;
  const FullPixel<Scalar, Planes> pixel(task, n, first, p, Scalar(1));
  Look<Scalar> look{0, 0};
  window.for_each_row(small, weights.space, [&](Scalar row_weight, int64_t from) {
    Scalar row_norm = 0, row_pull = 0;
    for (int kx = window.begin; kx < window.end; ++kx) {
      const Scalar step = guide[from + kx] * weights.range - centre;
      const Scalar weight = filter_weight(step, window.exponent[kx]);
      row_norm += weight + window.least[kx];
      if (task.to_guide != nullptr) {
        Scalar colour[Planes];
#pragma unroll
        for (int c = 0; c < Planes; ++c) {
          colour[c] = chroma[c * pixels + from + kx];
        }
        row_pull += weight * step * weight_pull<Planes>(pixel.gradient, pixel.out, colour);
      }
    }
    look.norm += row_weight * row_norm;
    look.pull += row_weight * row_pull;
  });
  return look;
}

template <class Scalar>
__global__ void look_kernel(UpsampleGradients<Scalar> task, Weights<Scalar> weights,
                            Scalar slope) {
  const Small<Scalar>& small = task.small;
  const int64_t pixels = small.height * small.width;
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
       i < small.images * pixels; i += step) {
    const int64_t n = i / pixels, p = i % pixels;
    const Window<Scalar> window(small, p / small.width, p % small.width, weights.space);
    Look<Scalar> sum{1, 0};
    for (int64_t c = 0; c < small.planes; c += kPlanes) {
      const Look<Scalar> look = small.planes - c == 1
                                    ? look_around<Scalar, 1>(task, window, n, c, p, weights)
                                    : look_around<Scalar, 2>(task, window, n, c, p, weights);
      sum = {look.norm, sum.pull + look.pull};
      if (task.to_guide == nullptr) {
        break;  // the sum of weights is that of all planes
      }
    }
    task.reciprocal[i] = Scalar(1) / sum.norm;
    if (task.to_guide != nullptr) {
      task.to_guide[i] = slope * sum.pull / sum.norm;
    }
  }
}

// A block's numbers, one a thread, added in a tree; every thread gets the sum.
template <class Scalar>
__device__ Scalar block_sum(Scalar value, Scalar* shared) {
  const int at = threadIdx.y * kLanes + threadIdx.x;
  __syncthreads();  // what was there before has been read
  shared[at] = value;
  for (int half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (at < half) {
      shared[at] += shared[at + half];
    }
  }
  __syncthreads();
  return shared[0];
}

template <class Scalar, int Planes>
struct SmallGradient {
  Scalar chroma[Planes], guide;
};

// What this thread's share of the full-size pixels asks of small pixel (v, u): columns by lane, rows by
// gang. Every thread of the block takes part.
template <class Scalar, int Planes>
__device__ SmallGradient<Scalar, Planes> collect_share(const UpsampleGradients<Scalar>& task,
                                                       int64_t n, int64_t first, int64_t v,
                                                       int64_t u, Weights<Scalar> weights,
                                                       Scalar* row_weight) {
  const Small<Scalar>& small = task.small;
  const int64_t here = v * small.small_width + u, images = n * small.height * small.width;
  const int64_t small_pixels = small.small_height * small.small_width;
  const Scalar centre = small.guide[n * small_pixels + here] * weights.range;
  Scalar colour[Planes];
#pragma unroll
  for (int c = 0; c < Planes; ++c) {
    colour[c] = small.chroma[(n * small.planes + first + c) * small_pixels + here];
  }
  const auto never = static_cast<Scalar>(kNever);
  const SeenBy rows = seen_by(v, small.small_height, small.height, small.radius);
  const SeenBy columns = seen_by(u, small.small_width, small.width, small.radius);
  SmallGradient<Scalar, Planes> sums{};
  for (int64_t top = rows.begin; top < rows.end; top += kRowsHeld) {
    const int held = static_cast<int>(rows.end - top < kRowsHeld ? rows.end - top : kRowsHeld);
    __syncthreads();  // the last rows' weights have been read
    for (int k = threadIdx.y * kLanes + threadIdx.x; k < held; k += kThreads) {
      const double row = small_position(top + k, small.small_height, small.height);
      const Scalar power = axis_exponent(row, v, small.small_height, small.radius, weights.space);
      row_weight[k] = power < never ? weight_exponential(-power) : Scalar(0);
    }
    __syncthreads();
    for (int64_t x = columns.begin + threadIdx.x; x < columns.end; x += kLanes) {
      const double column = small_position(x, small.small_width, small.width);
      const Scalar exponent =
          axis_exponent(column, u, small.small_width, small.radius, weights.space);
      if (exponent >= never) {
        continue;
      }
      const Scalar least = static_cast<Scalar>(kRangeFloor) * weight_exponential(-exponent);
      for (int k = threadIdx.y; k < held; k += kGangs) {
        const int64_t p = (top + k) * small.width + x;
        const FullPixel<Scalar, Planes> pixel(task, n, first, p, task.reciprocal[images + p]);
        const Scalar step = centre - task.guide[images + p] * weights.range;
        const Scalar weight = filter_weight(step, exponent);
        const Scalar pull = weight_pull<Planes>(pixel.gradient, pixel.out, colour);
        sums.guide += row_weight[k] * weight * step * pull;
#pragma unroll
        for (int c = 0; c < Planes; ++c) {
          sums.chroma[c] += row_weight[k] * (weight + least) * pixel.gradient[c];
        }
      }
    }
  }
  return sums;
}

// Planes first … of small pixel (v, u); returns what they ask of the small guide.
template <class Scalar, int Planes>
__device__ Scalar collect_planes(const UpsampleGradients<Scalar>& task, int64_t n, int64_t first,
                                 int64_t v, int64_t u, Weights<Scalar> weights,
                                 Scalar* row_weight, Scalar* shared) {
  const Small<Scalar>& small = task.small;
  const SmallGradient<Scalar, Planes> share =
      collect_share<Scalar, Planes>(task, n, first, v, u, weights, row_weight);
  for (int c = 0; c < Planes && task.to_chroma != nullptr; ++c) {
    const Scalar sum = block_sum(share.chroma[c], shared);
    if (threadIdx.x + threadIdx.y == 0) {
      const int64_t row = (n * small.planes + first + c) * small.small_height + v;
      task.to_chroma[row * small.small_width + u] = sum;
    }
  }
  return task.to_small == nullptr ? Scalar(0) : block_sum(share.guide, shared);
}

template <class Scalar>
__global__ void collect_kernel(UpsampleGradients<Scalar> task, Weights<Scalar> weights,
                               Scalar slope) {
  __shared__ Scalar row_weight[kRowsHeld], shared[kThreads];
  const Small<Scalar>& small = task.small;
  const int64_t pixels = small.small_height * small.small_width;
  for (int64_t i = blockIdx.x; i < small.images * pixels; i += gridDim.x) {
    const int64_t n = i / pixels, v = i % pixels / small.small_width, u = i % small.small_width;
    Scalar to_small = 0;
    for (int64_t c = 0; c < small.planes; c += kPlanes) {
      to_small += small.planes - c == 1
                      ? collect_planes<Scalar, 1>(task, n, c, v, u, weights, row_weight, shared)
                      : collect_planes<Scalar, 2>(task, n, c, v, u, weights, row_weight, shared);
    }
    if (task.to_small != nullptr && threadIdx.x + threadIdx.y == 0) {
      task.to_small[i] = -slope * to_small;
    }
  }
}

template <class Scalar>
int launch(const UpsampleGradients<Scalar>& task, void* stream) {
  const Small<Scalar>& small = task.small;
  const auto weights = weights_of(small);
  const auto slope = static_cast<Scalar>(guide_slope(small.sigma_range));
  const auto queue = static_cast<cudaStream_t>(stream);
  look_kernel<<<blocks_for(small.images * small.height * small.width), kThreads, 0, queue>>>(
      task, weights, slope);
  const int status = cudaGetLastError();
  if (status != cudaSuccess || (task.to_chroma == nullptr && task.to_small == nullptr)) {
    return status;
  }
  const int64_t items = small.images * small.small_height * small.small_width;
  const dim3 blocks(static_cast<unsigned>(items < (1 << 30) ? items : (1 << 30)));
  collect_kernel<<<blocks, dim3(kLanes, kGangs), 0, queue>>>(task, weights, slope);
  return cudaGetLastError();
}

}  // namespace

int joint_bilateral_upsample_backward(const UpsampleGradients<float>& task, void* stream) {
  return launch(task, stream);
}

int joint_bilateral_upsample_backward(const UpsampleGradients<double>& task, void* stream) {
  return launch(task, stream);
}

}  // namespace napari_colorize::cuda
