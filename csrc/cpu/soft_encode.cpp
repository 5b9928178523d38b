// soft_encode and soft_encode_dense on the CPU: blocks of pixels through the vectorised closed form,
// then the few that it declined through the scan.
#include "encoding_checks.h"

#include "cpu/memory.h"
#include "cpu/multiversion.h"
#include "math/soft_encode.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace napari_colorize {

namespace soft_encoding {

constexpr int kBlock = 256;  // pixels at a time: their results fit the first-level cache
constexpr int kClosed = 5;   // neighbours that the closed form gives

// Sparse results of pixels through the closed form; those of a bin rank lie `stride` apart. Returns how
// many it declined, and in `valid` which.
NC_MULTIVERSION int encode_block(const float* __restrict a, const float* __restrict b, int count,
                                 ClosedForm form, int64_t* __restrict index,
                                 float* __restrict weight, int64_t stride, int* __restrict valid) {
  int found_all = 0;
  NC_INDEPENDENT
  for (int p = 0; p < count; ++p) {
    const NearestFive found = encode_nearest_five(a[p], b[p], form);
    for (int k = 0; k < kClosed; ++k) {
      index[k * stride + p] = found.index[k];
      weight[k * stride + p] = found.weight[k];
    }
    valid[p] = found.valid;
    found_all += found.valid;
  }
  return count - found_all;
}

// Sparse results of up to kBlock pixels; index and weight lie `stride` apart from bin to bin.
void encode_pixels(const float* a, const float* b, int count, int neighbours, float sigma,
                   int64_t* index, float* weight, int64_t stride) {
  int valid[kBlock] = {};
  int declined = count;
  if (neighbours == kClosed && sigma >= kClosedFormSigma) {
    declined = encode_block(a, b, count, closed_form(sigma), index, weight, stride, valid);
  }
  for (int p = 0; declined > 0; ++p) {
    if (!valid[p]) {
      encode_scan(a[p], b[p], neighbours, sigma, index + p, weight + p, stride);
      --declined;
    }
  }
}

// Dense results of up to kBlock pixels out of sparse ones that lie kBlock apart, where there are zeros;
// bins of the image lie `stride` apart.
void scatter(const int64_t* index, const float* weight, int neighbours, int count, float* image,
             int64_t stride) {
  for (int k = 0; k < neighbours; ++k) {
    for (int p = 0; p < count; ++p) {
      image[index[k * kBlock + p] * stride + p] = weight[k * kBlock + p];
    }
  }
}

// The same where the zeros are far away: all places are asked for before the first is written.
void scatter_far(const int64_t* index, const float* weight, int neighbours, int count, float* image,
                 int64_t stride) {
  for (int k = 0; k < neighbours; ++k) {
    for (int p = 0; p < count; ++p) {
      prefetch_for_writing(image + index[k * kBlock + p] * stride + p);
    }
  }
  scatter(index, weight, neighbours, count, image, stride);
}

// The same with the zeros.
void write_dense(const int64_t* index, const float* weight, int neighbours, int count, float* image,
                 int64_t stride) {
  for (int q = 0; q < kBinCount; ++q) {
    std::fill_n(image + q * stride, count, 0.0f);
  }
  scatter(index, weight, neighbours, count, image, stride);
}

// The same by way of a block that stays in the second-level cache and is all zeros between calls.
void stream_dense(const int64_t* index, const float* weight, int neighbours, int count,
                  float* image, int64_t stride) {
  thread_local float block[kBinCount * kBlock] = {};
  scatter(index, weight, neighbours, count, block, kBlock);
  for (int q = 0; q < kBinCount; ++q) {
    stream_floats(block + q * kBlock, count, image + q * stride);
  }
  finish_streaming();
  for (int k = 0; k < neighbours; ++k) {
    for (int p = 0; p < count; ++p) {
      block[index[k * kBlock + p] * kBlock + p] = 0.0f;
    }
  }
}

}  // namespace soft_encoding

namespace {

using soft_encoding::encode_pixels;
using soft_encoding::kBlock;
using soft_encoding::scatter_far;
using soft_encoding::stream_dense;
using soft_encoding::write_dense;

struct Planes {
  Tensor ab;
  int64_t images;
  int64_t pixels;
};

Planes checked_planes(const Tensor& ab, int64_t neighbours, double sigma) {
  check_encode(ab, neighbours, sigma);
  return {torch::stable::contiguous(ab), ab.size(0), ab.size(2) * ab.size(3)};
}

// Calls body(image, first pixel, count) for every block of every image, in parallel.
template <class Body>
void for_each_block(int64_t images, int64_t pixels, const Body& body) {
  const int64_t blocks = (pixels + kBlock - 1) / kBlock;
  torch::stable::parallel_for(0, images * blocks, 8, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t first = t % blocks * kBlock;
      body(t / blocks, first, static_cast<int>(std::min<int64_t>(kBlock, pixels - first)));
    }
  });
}

std::tuple<Tensor, Tensor> soft_encode(const Tensor& ab, int64_t neighbours, double sigma) {
  const auto [planes, images, pixels] = checked_planes(ab, neighbours, sigma);
  const auto shape = {images, neighbours, ab.size(2), ab.size(3)};
  Tensor index = torch::stable::new_empty(planes, shape, ScalarType::Long);
  Tensor weight = torch::stable::new_empty(planes, shape);
  const auto* in = planes.const_data_ptr<float>();
  auto* index_out = index.mutable_data_ptr<int64_t>();
  auto* weight_out = weight.mutable_data_ptr<float>();
  prepare_output(index_out, index.numel() * sizeof(int64_t));
  prepare_output(weight_out, weight.numel() * sizeof(float));
  const int k = static_cast<int>(neighbours);
  const float width = static_cast<float>(sigma);
  for_each_block(images, pixels, [&, pixels = pixels](int64_t n, int64_t first, int count) {
    const float* a = in + n * 2 * pixels + first;
    const int64_t out = n * k * pixels + first;
    encode_pixels(a, a + pixels, count, k, width, index_out + out, weight_out + out, pixels);
  });
  return {index, weight};
}

Tensor soft_encode_dense(const Tensor& ab, int64_t neighbours, double sigma) {
  const auto [planes, images, pixels] = checked_planes(ab, neighbours, sigma);
  Tensor dense = torch::stable::new_empty(planes, {images, kBinCount, ab.size(2), ab.size(3)});
  const auto* in = planes.const_data_ptr<float>();
  auto* out = dense.mutable_data_ptr<float>();
  const size_t bytes = dense.numel() * sizeof(float);
  const bool streams = bytes >= kStreamedBytes;
  const bool zeros = streams && take_zero_pages(out, bytes);
  if (!zeros) {
    prepare_output(out, bytes);
  }
  const int k_count = static_cast<int>(neighbours);
  const float width = static_cast<float>(sigma);
  for_each_block(images, pixels, [&, pixels = pixels](int64_t n, int64_t first, int count) {
    thread_local int64_t index[kBinCount * kBlock];
    thread_local float weight[kBinCount * kBlock];
    const float* a = in + n * 2 * pixels + first;
    encode_pixels(a, a + pixels, count, k_count, width, index, weight, kBlock);
    float* image = out + n * kBinCount * pixels;
    if (zeros) {
      if (first == 0) {
        populate_share(image, kBinCount * pixels * sizeof(float));
      }
      scatter_far(index, weight, k_count, count, image + first, pixels);
    } else if (streams) {
      stream_dense(index, weight, k_count, count, image + first, pixels);
    } else {
      write_dense(index, weight, k_count, count, image + first, pixels);
    }
  });
  return dense;
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CPU, library) {
  library.impl("soft_encode", TORCH_BOX(&napari_colorize::soft_encode));
  library.impl("soft_encode_dense", TORCH_BOX(&napari_colorize::soft_encode_dense));
}
