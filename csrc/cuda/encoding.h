// Launchers of the encoding and decoding kernels: raw device pointers to contiguous tensors, sizes and
// a stream; the return value is cudaGetLastError(). csrc/cuda/encoding.cpp has checked everything.
#pragma once

#include <cstdint>

namespace napari_colorize::cuda {

// ab (images, 2, pixels) to index and weight (images, neighbours, pixels).
int soft_encode(const float* ab, int64_t* index, float* weight, int64_t images, int64_t pixels,
                int neighbours, float sigma, void* stream);

// The same to dense (images, 313, pixels); index and weight are scratch of the sparse size.
int soft_encode_dense(const float* ab, float* dense, int64_t* index, float* weight, int64_t images,
                      int64_t pixels, int neighbours, float sigma, void* stream);

// logits (images, count, pixels) with bins (count, 2) and bias (count) to ab (images, 2, pixels) and
// entropy (images, pixels).
template <class Scalar>
struct Annealing {
  const Scalar* logits;
  const Scalar* bins;
  const Scalar* bias;
  Scalar* ab;
  Scalar* entropy;
  int64_t images, count, pixels;
  Scalar inverse_temperature, inverse_log_count;
};

int annealed_mean(const Annealing<float>& task, void* stream);
int annealed_mean(const Annealing<double>& task, void* stream);

}  // namespace napari_colorize::cuda
