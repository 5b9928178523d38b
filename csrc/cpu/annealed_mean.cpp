// annealed_mean on the CPU: blocks of pixels, groups of bins; a group's logits are read once, and kept
// where both its highest and its sums are taken from.
#include "encoding_checks.h"

#include "cpu/memory.h"
#include "cpu/wide_vector.h"
#include "math/annealed_mean.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>

namespace napari_colorize {

#if defined(NC_WIDE_VECTORS)

// As for weights (cpu/wide_vector.h): in fewer instructions than the compiler finds.
template <>
struct Larger<WideVector> {
  static NC_HD WideVector of(WideVector a, WideVector b) {
    WideVector result;
    asm("vmaxps %2, %1, %0" : "=v"(result) : "v"(a), "v"(b));
    return result;
  }
};

template <>
struct Exponential<WideVector> {
  static NC_HD WideVector of(WideVector x) {
    WideVector fraction, result;
    asm("vreduceps $9, %1, %0" : "=v"(fraction) : "v"(x));
    const WideVector power = exp2_of_fraction(fraction);
    asm("vscalefps %2, %1, %0" : "=v"(result) : "v"(power), "v"(x));
    return result;
  }
};

template <>
struct AnyAbove<WideVector> {
  static NC_HD bool of(WideVector a, WideVector b) {
    unsigned lanes;
    asm("vcmpps $30, %2, %1, %%k1\n\tkmovw %%k1, %0" : "=r"(lanes) : "v"(a), "v"(b) : "k1");
    return lanes != 0;
  }
};

#endif

namespace decoding {

constexpr int kBlock = 512;  // pixels at a time: their sums stay in the first-level cache
constexpr int kGroup = 4;    // bins at a time: their logits stay in registers
constexpr int kAhead = 16;   // vectors of pixels that are fetched before their turn
constexpr int kMostLanes = 16;  // of any vector that a version may use

// What all pixels share. Logits of neighbouring bins, and the outputs' planes, lie `stride` apart.
template <class Scalar>
struct Decoder {
  const Scalar* bins;
  const Scalar* bias;  // or null
  int64_t count;
  int64_t stride;
  Scalar inverse_temperature;
  Scalar inverse_log_count;
  Scalar headroom;
};

// Take in the bins from `q` on, kGroup or fewer of them, for as many pixels as a vector has numbers.
template <class Float, bool Biased, bool Usual, class Scalar>
NC_HD void absorb_group(const Decoder<Scalar>& decoder, const Scalar* logits, int64_t q, int group,
                        AnnealedSums<Float>& sums) {
  Float held[kGroup];
  for (int k = 0; k < group; ++k) {
    held[k] = load_vector<Float>(logits + (q + k) * decoder.stride);
    if constexpr (Biased) {
      held[k] += decoder.bias[q + k];
    }
  }
  const auto logit = [&](int k) __attribute__((always_inline)) { return held[k]; };
  annealed_absorb<Float, Usual>(sums, group, logit, decoder.bins + 2 * q,
                                decoder.inverse_temperature, decoder.headroom);
}

// Has logits of pixels whose turn is soon brought near: those from pixel `later` on in this group, or of
// the first ones in the next. A plane's share of a block is too short for the processor to foresee.
template <class Scalar>
NC_HD void fetch_group(const Decoder<Scalar>& decoder, const Scalar* logits, int64_t q, int later,
                       int pixels) {
  if (later >= pixels) {
    q += kGroup;
    later -= pixels;
  }
  if (q + kGroup <= decoder.count) {
    const Scalar* from = logits + q * decoder.stride + later;
    for (int k = 0; k < kGroup; ++k) {
      prefetch(from + k * decoder.stride);
    }
  }
}

// Decode `pixels` ≥ Width pixels, at most kBlock; the last vector may overlap the one before it.
template <class Float, bool Biased, bool Usual, class Scalar, int Width>
NC_HD void decode_pixels(const Decoder<Scalar>& decoder, const Scalar* logits, int pixels,
                         Scalar* ab, Scalar* entropy) {
  AnnealedSums<Float> sums[kBlock / Width];
  const int vectors = (pixels + Width - 1) / Width;
  for (int v = 0; v < vectors; ++v) {
    sums[v] = annealed_start<Float, Scalar>();
  }
  const int64_t whole = decoder.count / kGroup * kGroup;
  for (int64_t q = 0; q < whole; q += kGroup) {
    for (int v = 0; v < vectors; ++v) {
      const int first = std::min(v * Width, pixels - Width);
      fetch_group(decoder, logits, q, (v + kAhead) * Width, vectors * Width);
      absorb_group<Float, Biased, Usual>(decoder, logits + first, q, kGroup, sums[v]);
    }
  }
  const int rest = static_cast<int>(decoder.count - whole);
  for (int v = 0; rest > 0 && v < vectors; ++v) {
    const int first = std::min(v * Width, pixels - Width);
    absorb_group<Float, Biased, Usual>(decoder, logits + first, whole, rest, sums[v]);
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

struct FloatBlock {
  const Decoder<float>& decoder;
  const float* logits;
  int pixels;
  float* ab;
  float* entropy;
};

template <class Vector, bool Biased, bool Usual>
NC_HD void decode_floats(const FloatBlock& block) {
  decode_pixels<Vector, Biased, Usual, float, kLanes<Vector, float>>(
      block.decoder, block.logits, block.pixels, block.ab, block.entropy);
}

NC_VECTOR_VERSIONS(decode_plain, FloatBlock, decode_floats<Vector, false, false>(argument))
NC_VECTOR_VERSIONS(decode_biased, FloatBlock, decode_floats<Vector, true, false>(argument))
NC_VECTOR_VERSIONS(decode_usual, FloatBlock, decode_floats<Vector, false, true>(argument))
NC_VECTOR_VERSIONS(decode_usual_biased, FloatBlock, decode_floats<Vector, true, true>(argument))

template <class Scalar>
void decode_singly(const Decoder<Scalar>& decoder, const Scalar* logits, int pixels, Scalar* ab,
                   Scalar* entropy) {
  if (decoder.bias) {
    decode_pixels<Scalar, true, false, Scalar, 1>(decoder, logits, pixels, ab, entropy);
  } else {
    decode_pixels<Scalar, false, false, Scalar, 1>(decoder, logits, pixels, ab, entropy);
  }
}

void decode_block(const Decoder<float>& decoder, const float* logits, int pixels, float* ab,
                  float* entropy) {
  if (pixels < kMostLanes) {
    decode_singly(decoder, logits, pixels, ab, entropy);
    return;
  }
  const FloatBlock block{decoder, logits, pixels, ab, entropy};
  if (annealed_is_usual(decoder.inverse_temperature)) {
    decoder.bias ? decode_usual_biased(block) : decode_usual(block);
  } else {
    decoder.bias ? decode_biased(block) : decode_plain(block);
  }
}

void decode_block(const Decoder<double>& decoder, const double* logits, int pixels, double* ab,
                  double* entropy) {
  decode_singly(decoder, logits, pixels, ab, entropy);
}

}  // namespace decoding

namespace {

template <class Scalar>
std::tuple<Tensor, Tensor> decode(const Tensor& logits, const Tensor& bins,
                                  const std::optional<Tensor>& bias, double temperature) {
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
      bins.const_data_ptr<Scalar>(),
      bias ? bias->template const_data_ptr<Scalar>() : nullptr,
      count,
      pixels,
      static_cast<Scalar>(inverse),
      static_cast<Scalar>(1.0 / log_count),
      annealed_headroom(static_cast<Scalar>(inverse))};
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
  if (bias) {
    bias = torch::stable::contiguous(*bias);
  }
  const Tensor planes = torch::stable::contiguous(logits);
  const Tensor centres = torch::stable::contiguous(bins);
  return logits.scalar_type() == ScalarType::Double
             ? decode<double>(planes, centres, bias, number)
             : decode<float>(planes, centres, bias, number);
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CPU, library) {
  library.impl("annealed_mean", TORCH_BOX(&napari_colorize::annealed_mean));
}
