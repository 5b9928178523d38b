// What the bilateral operators refuse, in sentences. The Python functions say the same earlier; this
// is for graphs that call torch.ops.napari_colorize themselves.
#pragma once

#include "math/bilateral.h"
#include "math/bilateral_grid.h"
#include "torch_stable.h"

#include <cmath>

namespace napari_colorize {

inline void check_settings(const char* name, int64_t least_radius, int64_t radius,
                           double sigma_space, double sigma_range) {
  const int64_t most = least_radius == 0 ? 1024 : 64;
  STD_TORCH_CHECK(radius >= least_radius && radius <= most, name, " needs a radius of ",
                  least_radius, " to ", most, " pixels; ", radius, " was given.");
  STD_TORCH_CHECK(sigma_space > 0 && std::isfinite(sigma_space), name,
                  " needs a finite sigma_space above 0; ", sigma_space, " was given.");
  STD_TORCH_CHECK(sigma_range > 0 && std::isfinite(sigma_range), name,
                  " needs a finite sigma_range above 0; ", sigma_range, " was given.");
}

inline void check_grid_settings(const char* name, int64_t radius, double sigma_space) {
  STD_TORCH_CHECK(radius >= kLeastGridRadius && sigma_space >= kLeastGridSigma, name,
                  " needs a radius of ", kLeastGridRadius, " pixels or more and a sigma_space of ",
                  kLeastGridSigma, " or more; joint_bilateral is exact and as fast below.");
}

// `range` is the span of the guide's lightness, `spacing` that of the grid's nodes in pixels.
inline void check_grid(const char* name, int64_t height, int64_t width, double range,
                       double spacing, double sigma_range) {
  const double nodes = grid_nodes(static_cast<double>(height - 1), spacing) *
                       grid_nodes(static_cast<double>(width - 1), spacing) *
                       grid_nodes(range / sigma_range, 1.0);
  STD_TORCH_CHECK(grid_is_small(nodes, static_cast<double>(height) * static_cast<double>(width)),
                  name, " would need a grid of ", nodes, " nodes for ", height, " x ", width,
                  " pixels, because sigma_range is small beside the guide's range of ", range,
                  ". Take a larger sigma_range, a larger radius, or joint_bilateral.");
}

inline void check_planes(const char* name, const Tensor& chroma) {
  STD_TORCH_CHECK(chroma.dim() == 4, name, " takes planes of shape (N, C, H, W).");
  const auto dtype = chroma.scalar_type();
  STD_TORCH_CHECK(dtype == ScalarType::Float || dtype == ScalarType::Double, name,
                  " takes float32 or float64 planes; convert them with .float() first.");
}

inline void check_guide(const char* name, const Tensor& guide, const Tensor& chroma,
                        int64_t height, int64_t width) {
  STD_TORCH_CHECK(guide.dim() == 4 && guide.size(0) == chroma.size(0) && guide.size(1) == 1 &&
                      guide.size(2) == height && guide.size(3) == width,
                  name, " needs a guide of shape (", chroma.size(0), ", 1, ", height, ", ", width,
                  ") to go with its chroma.");
  STD_TORCH_CHECK(guide.scalar_type() == chroma.scalar_type(), name,
                  " needs chroma and guide of one dtype.");
  STD_TORCH_CHECK(guide.is_cuda() == chroma.is_cuda(), name,
                  " needs chroma and guide on one device.");
}

inline void check_upsample_sizes(const char* name, const Tensor& chroma, int64_t pixels) {
  STD_TORCH_CHECK(pixels == 0 || chroma.size(2) * chroma.size(3) > 0, name,
                  " cannot fill an image from chroma without pixels.");
}

// The piece that an operator's last four arguments name; sides of 0 are those of the pixels at hand.
inline Piece piece_of(const char* name, int64_t rows, int64_t columns, const Piece& asked) {
  const Piece piece{asked.top, asked.left, asked.height == 0 ? rows : asked.height,
                    asked.width == 0 ? columns : asked.width};
  STD_TORCH_CHECK(piece.top >= 0 && piece.left >= 0 && piece.height - piece.top >= rows &&
                      piece.width - piece.left >= columns,
                  name, " was given ", rows, " x ", columns, " pixels at row ", piece.top,
                  " and column ", piece.left, ", which do not lie inside a picture of ",
                  piece.height, " x ", piece.width, ".");
  return piece;
}

inline void check_finish(const Tensor& luma, const Tensor& chroma, const Tensor& guide_small) {
  const auto type = luma.scalar_type();
  STD_TORCH_CHECK(type == ScalarType::Byte || type == ScalarType::Float,
                  "finish takes luma as uint8 sRGB grey codes or as float32 L* of 0 to 100.");
  STD_TORCH_CHECK(luma.dim() == 3, "finish takes luma of shape (N, H, W).");
  STD_TORCH_CHECK(chroma.dim() == 4 && chroma.size(0) == luma.size(0) && chroma.size(1) == 2 &&
                      chroma.scalar_type() == ScalarType::Float,
                  "finish takes float32 chroma of shape (", luma.size(0), ", 2, h, w).");
  STD_TORCH_CHECK(luma.is_cuda() == chroma.is_cuda(), "finish needs all tensors on one device.");
  check_guide("finish", guide_small, chroma, chroma.size(2), chroma.size(3));
  check_upsample_sizes("finish", chroma, luma.size(1) * luma.size(2));
}

}  // namespace napari_colorize
