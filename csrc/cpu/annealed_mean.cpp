// annealed_mean on the CPU: blocks of pixels, groups of bins; a group's logits are read from memory
// once (for the highest) and from the first-level cache again (for the sums).
#include "encoding_checks.h"

#include "cpu/multiversion.h"
#include "cpu/vector.h"
#include "math/annealed_mean.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>

namespace napari_colorize {

namespace decoding {

constexpr int kBlock = 256;  // pixels at a time
constexpr int kGroup = 16;   // bins at a time: 16 KiB of float logits

// What all pixels share. Logits of neighbouring bins, and the outputs' planes, lie `stride` apart.
template <class Scalar>
struct Decoder {
  const Scalar* bins;
  const Scalar* bias;
  int64_t count;
  int64_t stride;
  Scalar inverse_temperature;
  Scalar inverse_log_count;
};

// Decode `pixels` ≥ Width pixels, at most kBlock; the last vector may overlap the one before it.
template <class Float, class Scalar, int Width>
NC_HD void decode_pixels(const Decoder<Scalar>& decoder, const Scalar* logits, int pixels,
                         Scalar* ab, Scalar* entropy) {
  AnnealedSums<Float> sums[kBlock / Width];
  const int vectors = (pixels + Width - 1) / Width;
  for (int v = 0; v < vectors; ++v) {
    sums[v] = annealed_start<Float, Scalar>();
  }
  for (int64_t q = 0; q < decoder.count; q += kGroup) {
    const int group = static_cast<int>(std::min<int64_t>(kGroup, decoder.count - q));
    for (int v = 0; v < vectors; ++v) {
      const int first = std::min(v * Width, pixels - Width);
      const Scalar* from = logits + q * decoder.stride + first;
      const auto logit = [&](int k) __attribute__((always_inline)) {
        return load_vector<Float>(from + k * decoder.stride) + decoder.bias[q + k];
      };
      annealed_absorb<Float, Scalar>(sums[v], group, logit, decoder.bins + 2 * q,
                                     decoder.inverse_temperature);
    }
  }
  for (int v = 0; v < vectors; ++v) {
    const int first = std::min(v * Width, pixels - Width);
    Scalar lanes[6][Width];
    store_vector(lanes[0], sums[v].top);
    store_vector(lanes[1], sums[v].sum);
    store_vector(lanes[2], sums[v].slope);
    store_vector(lanes[3], sums[v].weight);
    store_vector(lanes[4], sums[v].a);
    store_vector(lanes[5], sums[v].b);
    for (int lane = 0; lane < Width; ++lane) {
      const AnnealedSums<Scalar> one{lanes[0][lane], lanes[1][lane], lanes[2][lane],
                                     lanes[3][lane], lanes[4][lane], lanes[5][lane]};
      const AnnealedResult<Scalar> result = annealed_finish(one, decoder.inverse_log_count);
      ab[first + lane] = result.a;
      ab[decoder.stride + first + lane] = result.b;
      entropy[first + lane] = result.entropy;
    }
  }
}

NC_MULTIVERSION void decode_block(const Decoder<float>& decoder, const float* logits, int pixels,
                                  float* ab, float* entropy) {
  if (pixels < kVectorWidth) {
    decode_pixels<float, float, 1>(decoder, logits, pixels, ab, entropy);
  } else {
    decode_pixels<FloatVector, float, kVectorWidth>(decoder, logits, pixels, ab, entropy);
  }
}

void decode_block(const Decoder<double>& decoder, const double* logits, int pixels, double* ab,
                  double* entropy) {
  decode_pixels<double, double, 1>(decoder, logits, pixels, ab, entropy);
}

}  // namespace decoding

namespace {

template <class Scalar>
std::tuple<Tensor, Tensor> decode(const Tensor& logits, const Tensor& bins, const Tensor& bias,
                                  double temperature) {
  const int64_t images = logits.size(0), count = logits.size(1);
  const int64_t pixels = logits.size(2) * logits.size(3);
  Tensor ab = torch::stable::new_empty(logits, {images, 2, logits.size(2), logits.size(3)});
  Tensor entropy = torch::stable::new_empty(logits, {images, 1, logits.size(2), logits.size(3)});
  const auto* in = logits.const_data_ptr<Scalar>();
  auto* ab_out = ab.template mutable_data_ptr<Scalar>();
  auto* entropy_out = entropy.template mutable_data_ptr<Scalar>();
  const double log_count = std::log(static_cast<double>(std::max<int64_t>(count, 2)));
  // A temperature below any difference of logits: the same mode, without an infinite reciprocal.
  const double inverse = 1.0 / std::max(temperature, 1e-30);
  const decoding::Decoder<Scalar> decoder{
      bins.const_data_ptr<Scalar>(), bias.const_data_ptr<Scalar>(), count, pixels,
      static_cast<Scalar>(inverse),  static_cast<Scalar>(1.0 / log_count)};
  constexpr int64_t block = decoding::kBlock;
  const int64_t blocks = (pixels + block - 1) / block;
  torch::stable::parallel_for(0, images * blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t n = t / blocks;
      const int64_t first = t % blocks * block;
      decoding::decode_block(decoder, in + n * count * pixels + first,
                             static_cast<int>(std::min(block, pixels - first)),
                             ab_out + n * 2 * pixels + first, entropy_out + n * pixels + first);
    }
  });
  return {ab, entropy};
}

std::tuple<Tensor, Tensor> annealed_mean(const Tensor& logits, const Tensor& bins,
                                         std::optional<Tensor> bias, const Tensor& temperature) {
  check_annealed(logits, bins, bias);
  const double number = temperature_of(temperature);
  const Tensor shift = bias ? torch::stable::contiguous(*bias)
                            : torch::stable::new_zeros(logits, {logits.size(1)});
  const Tensor planes = torch::stable::contiguous(logits);
  const Tensor centres = torch::stable::contiguous(bins);
  return logits.scalar_type() == ScalarType::Double
             ? decode<double>(planes, centres, shift, number)
             : decode<float>(planes, centres, shift, number);
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CPU, library) {
  library.impl("annealed_mean", TORCH_BOX(&napari_colorize::annealed_mean));
}
