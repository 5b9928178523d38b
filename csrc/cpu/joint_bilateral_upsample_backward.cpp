// joint_bilateral_upsample_backward on the CPU: strips of full-size pixels, see cpu/upsample_strip.h.
// What many full-size pixels ask of one small pixel is added by bands of rows: each band has sums of
// its own for the small rows it sees, and they are added in order. Bands depend on sizes alone, so
// results do not depend on the number of threads.
#include "bilateral_gradient_tensors.h"
#include "cpu/memory.h"
#include "cpu/upsample_strip.h"
#include "math/bilateral_gradients.h"

#include <algorithm>
#include <tuple>
#include <vector>

namespace napari_colorize {

namespace {

using namespace upsampling;

constexpr int64_t kShares = 64;  // images times bands, about: enough for any number of threads

// Tiles of full-size rows, and bands of tiles.
struct Bands {
  int64_t tile_rows, rows, count;

  Bands(int64_t images, int64_t height, int64_t small_height) {
    // Where the small image is the higher one, fewer rows see as many of its rows.
    tile_rows = std::clamp<int64_t>(kTileRows * height / small_height, 1, kTileRows);
    const int64_t tiles = (height + tile_rows - 1) / tile_rows;
    const int64_t wanted = std::min(tiles, (kShares + images - 1) / images);
    rows = (tiles + wanted - 1) / wanted * tile_rows;
    count = (height + rows - 1) / rows;
  }
};

template <class Scalar>
class UpsampleBackward {
 public:
  UpsampleBackward(UpsampleBackwardTensors& tensors, int64_t radius, double sigma_space,
                   double sigma_range)
      : tensors_(tensors), gradient_(tensors.gradient.const_data_ptr<Scalar>()),
        chroma_(tensors.chroma.const_data_ptr<Scalar>()),
        guide_small_(tensors.guide_small.const_data_ptr<Scalar>()),
        guide_(tensors.guide.const_data_ptr<Scalar>()), out_(tensors.out.const_data_ptr<Scalar>()),
        to_chroma_(data_or_null<Scalar>(tensors.to_chroma)),
        to_small_(data_or_null<Scalar>(tensors.to_small)),
        to_guide_(data_or_null<Scalar>(tensors.to_guide)), images_(tensors.chroma.size(0)),
        planes_(tensors.chroma.size(1)), small_height_(tensors.chroma.size(2)),
        small_width_(tensors.chroma.size(3)), height_(tensors.guide.size(2)),
        width_(tensors.guide.size(3)),
        plan_(height_, width_, {0, 0, height_, width_}, small_height_, small_width_, radius,
              sigma_space, sigma_range),
        bands_(images_, height_, small_height_),
        slope_(static_cast<Scalar>(guide_slope(sigma_range))) {
    for (int64_t band = 0; band < bands_.count; ++band) {
      band_first_.push_back(plan_.rows.index[band * bands_.rows]);
      const int64_t bottom = std::min(height_, (band + 1) * bands_.rows);
      band_rows_.push_back(plan_.rows.index[(plan_.taps - 1) * height_ + bottom - 1] + 1 -
                           band_first_.back());
      band_offset_.push_back(sum_rows_);
      sum_rows_ += band_rows_.back();
    }
  }

  void run() {
    const int64_t channels = (to_small_ != nullptr ? 1 : 0) + (to_chroma_ != nullptr ? planes_ : 0);
    Tensor sums = torch::stable::new_zeros(tensors_.chroma,
                                           {images_, sum_rows_, channels, small_width_});
    sums_ = sums.mutable_data_ptr<Scalar>();
    channels_ = channels;
    torch::stable::parallel_for(0, images_ * bands_.count, 1, [&](int64_t begin, int64_t end) {
      RowTable<Scalar> rows;
      Strip<Scalar> strip;
      for (int64_t t = begin; t < end; ++t) {
        differentiate_band(t / bands_.count, t % bands_.count, rows, strip);
      }
    });
    if (channels > 0) {
      torch::stable::parallel_for(0, images_ * small_height_, 16,
                                  [&](int64_t begin, int64_t end) {
                                    for (int64_t t = begin; t < end; ++t) {
                                      add_bands(t / small_height_, t % small_height_);
                                    }
                                  });
    }
  }

 private:
  // From the sums of one image and band, [channel][row][column].
  Scalar* channel_of(int64_t n, int64_t band, int64_t channel) const {
    return sums_ + (n * sum_rows_ + band_offset_[band]) * channels_ * small_width_ +
           channel * band_rows_[band] * small_width_;
  }

  void differentiate_band(int64_t n, int64_t band, RowTable<Scalar>& rows,
                          Strip<Scalar>& strip) const {
    const int64_t end = std::min(height_, (band + 1) * bands_.rows);
    for (int64_t top = band * bands_.rows; top < end; top += bands_.tile_rows) {
      rows.fill(plan_.rows, plan_.taps, top, std::min(end, top + bands_.tile_rows));
      for (int64_t left = 0; left < width_; left += kStrip) {
        for (int64_t c = 0; c < planes_; c += kPlanes) {
          differentiate_strip(n, band, c, left, rows, strip);
        }
      }
    }
  }

  void differentiate_strip(int64_t n, int64_t band, int64_t c, int64_t left,
                           const RowTable<Scalar>& rows, Strip<Scalar>& strip) const {
    const int64_t pixels = height_ * width_, small_pixels = small_height_ * small_width_;
    const int used = static_cast<int>(std::min<int64_t>(kPlanes, planes_ - c));
    const int64_t first = n * planes_ + c;
    const Scalar *chroma = chroma_ + first * small_pixels, *gradient = gradient_ + first * pixels;
    const Scalar* out = out_ + first * pixels;
    const bool small = to_small_ != nullptr;
    SmallSums<Scalar> sums{{small ? channel_of(n, band, 0) : nullptr}, band_first_[band],
                           small_width_};
    for (int k = 0; k < used && to_chroma_ != nullptr; ++k) {
      sums.channel[1 + k] = channel_of(n, band, (small ? 1 : 0) + c + k);
    }
    Scalar* to_guide = to_guide_ == nullptr ? nullptr : to_guide_ + n * pixels;
    strip.differentiate(plan_, rows,
                        {guide_small_ + n * small_pixels, {chroma, chroma + small_pixels}, used,
                         small_width_},
                        {guide_ + n * pixels, {gradient, gradient + pixels}, {out, out + pixels},
                         to_guide, c > 0},
                        width_, left, static_cast<int>(std::min<int64_t>(kStrip, width_ - left)),
                        slope_, {to_chroma_ != nullptr, small, to_guide != nullptr}, sums);
  }

  // Row `row` of image n's small gradients.
  void add_bands(int64_t n, int64_t row) const {
    for (int64_t channel = 0; channel < channels_; ++channel) {
      const bool small = to_small_ != nullptr && channel == 0;
      const int64_t plane = n * planes_ + channel - (to_small_ != nullptr ? 1 : 0);
      Scalar* to = small ? to_small_ + (n * small_height_ + row) * small_width_
                         : to_chroma_ + (plane * small_height_ + row) * small_width_;
      std::fill_n(to, small_width_, Scalar(0));
      for (int64_t band = 0; band < bands_.count; ++band) {
        const int64_t at = row - band_first_[band];
        if (at < 0 || at >= band_rows_[band]) {
          continue;
        }
        const Scalar* from = channel_of(n, band, channel) + at * small_width_;
        for (int64_t x = 0; x < small_width_; ++x) {
          to[x] += from[x];
        }
      }
      for (int64_t x = 0; x < small_width_ && small; ++x) {
        to[x] *= -slope_;
      }
    }
  }

  UpsampleBackwardTensors& tensors_;
  const Scalar *gradient_, *chroma_, *guide_small_, *guide_, *out_;
  Scalar *to_chroma_, *to_small_, *to_guide_, *sums_ = nullptr;
  int64_t images_, planes_, small_height_, small_width_, height_, width_, channels_ = 0;
  Plan<Scalar> plan_;
  Bands bands_;
  Scalar slope_;
  std::vector<int64_t> band_first_, band_rows_, band_offset_;  // of small rows
  int64_t sum_rows_ = 0;
};

std::tuple<Tensor, Tensor, Tensor> joint_bilateral_upsample_backward(
    const Tensor& gradient, const Tensor& chroma, const Tensor& guide_small, const Tensor& guide,
    const Tensor& out, int64_t radius, double sigma_space, double sigma_range, bool to_chroma,
    bool to_guide_small, bool to_guide) {
  UpsampleBackwardTensors tensors(gradient, chroma, guide_small, guide, out, radius, sigma_space,
                                  sigma_range, to_chroma, to_guide_small, to_guide);
  if (!tensors.is_idle()) {
    advise_huge_pages(tensors.to_guide.mutable_data_ptr(),
                      tensors.to_guide.numel() * tensors.to_guide.element_size());
    if (chroma.scalar_type() == ScalarType::Double) {
      UpsampleBackward<double>(tensors, radius, sigma_space, sigma_range).run();
    } else {
      UpsampleBackward<float>(tensors, radius, sigma_space, sigma_range).run();
    }
  }
  return {tensors.to_chroma, tensors.to_small, tensors.to_guide};
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CPU, library) {
  library.impl("joint_bilateral_upsample_backward",
               TORCH_BOX(&napari_colorize::joint_bilateral_upsample_backward));
}
