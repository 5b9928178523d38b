// joint_bilateral_approximate on the CPU: a bilateral grid for each image and pair of chroma planes.
#include "bilateral_tensors.h"
#include "cpu/bilateral_grid.h"
#include "cpu/memory.h"

#include <algorithm>
#include <mutex>

namespace napari_colorize {

namespace {

using namespace bilateral_grid;

constexpr int64_t kRowsTogether = 16;  // worth another thread

template <class Scalar>
Range<Scalar> range_of(const Scalar* guide, int64_t pixels) {
  constexpr int64_t kPiece = 1 << 16;
  auto range = Range<Scalar>::nothing();
  std::mutex lock;
  torch::stable::parallel_for(0, pixels, kPiece, [&](int64_t begin, int64_t end) {
    auto found = Range<Scalar>::nothing();
    found.include(guide + begin, end - begin);
    const std::lock_guard<std::mutex> held(lock);
    range.include(found);
  });
  return range.lowest <= range.highest ? range : Range<Scalar>{0, 0};
}

template <class Scalar>
void filter_image(const Image<Scalar>& image, Grid<Scalar>& grid, int64_t rows) {
  torch::stable::parallel_for(0, grid.bands(), 1, [&](int64_t begin, int64_t end) {
    std::vector<Scalar> scratch;
    for (int64_t band = begin; band < end; ++band) {
      grid.splat(image, band, scratch);
    }
  });
  torch::stable::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
    std::vector<Scalar> scratch;
    for (int64_t row = begin; row < end; ++row) {
      grid.blur(row, scratch);
    }
  });
  torch::stable::parallel_for(0, image.height, kRowsTogether, [&](int64_t begin, int64_t end) {
    std::vector<Scalar> scratch;
    for (int64_t y = begin; y < end; ++y) {
      grid.slice(image, y, scratch);
    }
  });
}

template <class Scalar>
void filter(const char* name, FilterTensors& tensors, int64_t radius, double sigma_space,
            double sigma_range) {
  const int64_t planes = tensors.chroma.size(1);
  const int64_t height = tensors.chroma.size(2), width = tensors.chroma.size(3);
  const int64_t pixels = height * width;
  const double spacing = disk_sigma(static_cast<double>(radius), sigma_space);
  for (int64_t n = 0; n < tensors.chroma.size(0); ++n) {
    const Scalar* guide = tensors.guide.const_data_ptr<Scalar>() + n * pixels;
    const auto range = range_of(guide, pixels);
    check_grid(name, height, width, (static_cast<double>(range.highest) - range.lowest), spacing,
               sigma_range);
    const typename Grid<Scalar>::Shape shape(height, width, range, spacing, sigma_range);
    for (int64_t c = 0; c < planes; c += kPlanes) {
      const Scalar* from = tensors.chroma.const_data_ptr<Scalar>() + (n * planes + c) * pixels;
      Scalar* to = tensors.out.mutable_data_ptr<Scalar>() + (n * planes + c) * pixels;
      const int used = static_cast<int>(std::min<int64_t>(kPlanes, planes - c));
      Grid<Scalar> grid(shape, width);
      filter_image(Image<Scalar>{guide, {from, from + pixels}, {to, to + pixels}, used, height,
                                 width},
                   grid, shape.rows);
    }
  }
}

Tensor joint_bilateral_approximate(const Tensor& chroma, const Tensor& guide, int64_t radius,
                                   double sigma_space, double sigma_range) {
  constexpr const char* name = "joint_bilateral_approximate";
  check_grid_settings(name, radius, sigma_space);
  FilterTensors tensors(name, chroma, guide, radius, sigma_space, sigma_range);
  if (tensors.out.numel() == 0) {
    return tensors.out;
  }
  advise_huge_pages(tensors.out.mutable_data_ptr(),
                    tensors.out.numel() * tensors.out.element_size());
  if (chroma.scalar_type() == ScalarType::Double) {
    filter<double>(name, tensors, radius, sigma_space, sigma_range);
  } else {
    filter<float>(name, tensors, radius, sigma_space, sigma_range);
  }
  return tensors.out;
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CPU, library) {
  library.impl("joint_bilateral_approximate",
               TORCH_BOX(&napari_colorize::joint_bilateral_approximate));
}
