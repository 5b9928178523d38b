// joint_bilateral on the CPU: exact, tile by tile. A tile and its margin are copied to a buffer of the
// thread, with a guide outside the image that no pixel resembles, so that the inner loop knows no
// borders; two vectors of pixels stay in registers while all taps of the disk pass by.
#include "bilateral_tensors.h"
#include "cpu/memory.h"
#include "cpu/wide_vector.h"
#include "math/bilateral.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace napari_colorize {

namespace bilateral {

constexpr int kTileRows = 32;
constexpr int kTileColumns = 128;
constexpr int kPlanes = 2;       // chroma planes that share the weights
constexpr int kTogether = 2;     // vectors of pixels in registers
constexpr double kNobody = 1e18;  // guide outside the image

template <class Scalar>
struct Tap {
  int64_t offset;   // in the buffer, from the pixel itself
  Scalar exponent;  // of the spatial weight
};

// The disk, row by row, as far as the image reaches: rows −margin … margin, columns −reach … reach.
// Row dy begins at row_start[dy + margin].
template <class Scalar>
struct Disk {
  std::vector<Tap<Scalar>> taps;
  std::vector<int> row_start;

  Disk(int64_t radius, int64_t margin, int64_t reach, int64_t pitch, double sigma_space) {
    for (int64_t dy = -margin; dy <= margin; ++dy) {
      row_start.push_back(static_cast<int>(taps.size()));
      auto half = static_cast<int64_t>(std::sqrt(static_cast<double>(radius * radius - dy * dy)));
      half = std::min(half, reach);
      for (int64_t dx = -half; dx <= half; ++dx) {
        const double exponent = space_exponent(dx * dx + dy * dy, sigma_space);
        taps.push_back({dy * pitch + dx, static_cast<Scalar>(exponent)});
      }
    }
    row_start.push_back(static_cast<int>(taps.size()));
  }
};

// Pixels `columns` of one row of the tile; pointers are to the first pixel inside the buffers.
template <class Scalar>
struct Row {
  const Scalar* guide;
  const Scalar* chroma[kPlanes];
  Scalar* out[kPlanes];
  int columns;
  const Tap<Scalar>* first;
  const Tap<Scalar>* last;
};

template <class Float, class Scalar, int Planes>
NC_HD void filter_row(const Row<Scalar>& row) {
  constexpr int kWidth = kLanes<Float, Scalar>;
  for (int x = 0; x < row.columns; x += kTogether * kWidth) {
    Float centre[kTogether], norm[kTogether], total[Planes][kTogether];
    for (int u = 0; u < kTogether; ++u) {
      centre[u] = load_vector<Float>(row.guide + x + u * kWidth);
      norm[u] = Float{};
      for (int c = 0; c < Planes; ++c) {
        total[c][u] = Float{};
      }
    }
    for (const Tap<Scalar>* tap = row.first; tap != row.last; ++tap) {
      const int64_t from = x + tap->offset;
      for (int u = 0; u < kTogether; ++u) {
        const Float step = load_vector<Float>(row.guide + from + u * kWidth) - centre[u];
        const Float weight = filter_weight(step, tap->exponent);
        norm[u] += weight;
        for (int c = 0; c < Planes; ++c) {
          total[c][u] += weight * load_vector<Float>(row.chroma[c] + from + u * kWidth);
        }
      }
    }
    for (int u = 0; u < kTogether; ++u) {
      for (int c = 0; c < Planes; ++c) {
        store_vector(row.out[c] + x + u * kWidth, total[c][u] / norm[u]);
      }
    }
  }
}

NC_VECTOR_VERSIONS(filter_row_single, Row<float>, filter_row<Vector, float, 1>(argument))
NC_VECTOR_VERSIONS(filter_row_pair, Row<float>, filter_row<Vector, float, 2>(argument))

void filter_planes(const Row<float>& row, int planes) {
  planes == 1 ? filter_row_single(row) : filter_row_pair(row);
}

void filter_planes(const Row<double>& row, int planes) {
  planes == 1 ? filter_row<double, double, 1>(row) : filter_row<double, double, 2>(row);
}

// One image, one or two chroma planes.
template <class Scalar>
struct Image {
  const Scalar* guide;
  const Scalar* chroma[kPlanes];
  Scalar* out[kPlanes];
  int planes;
  int64_t height, width;
};

// The buffer of a tile: its pixels and `margin` rows and `reach` columns around, one plane after
// another, the guide first. Room for whole vectors is left at the end of each row.
struct TileShape {
  int64_t margin, reach, pitch, plane;

  TileShape(int64_t radius, int64_t height, int64_t width)
      : margin(std::min(radius, height - 1)), reach(std::min(radius, width - 1)),
        pitch(kTileColumns + 2 * reach), plane((kTileRows + 2 * margin) * pitch) {}
};

// Columns [begin, begin + count) of an image's row, times `scale`, with `outside` beyond the image.
template <class Scalar>
void copy_row(const Scalar* from, int64_t begin, int64_t width, Scalar outside, Scalar scale,
              Scalar* to, int64_t count) {
  const int64_t left = std::clamp<int64_t>(-begin, 0, count);
  const int64_t right = std::clamp<int64_t>(width - begin, left, count);
  std::fill(to, to + left, outside);
  for (int64_t x = left; x < right; ++x) {
    to[x] = from[begin + x] * scale;
  }
  std::fill(to + right, to + count, outside);
}

template <class Scalar>
void filter_tile(const Image<Scalar>& image, const TileShape& shape, const Disk<Scalar>& disk,
                 Scalar scale, int64_t top, int64_t left, std::vector<Scalar>& buffer) {
  const int64_t rows = std::min<int64_t>(kTileRows, image.height - top);
  const int64_t columns = std::min<int64_t>(kTileColumns, image.width - left);
  buffer.resize((1 + kPlanes) * shape.plane);
  const int64_t first_row = std::max<int64_t>(0, top - shape.margin);
  const int64_t end_row = std::min(image.height, top + rows + shape.margin);
  const auto nobody = static_cast<Scalar>(kNobody);
  for (int64_t y = first_row; y < end_row; ++y) {
    Scalar* to = buffer.data() + (y - top + shape.margin) * shape.pitch;
    const int64_t from = y * image.width, begin = left - shape.reach;
    copy_row(image.guide + from, begin, image.width, nobody, scale, to, shape.pitch);
    for (int c = 0; c < image.planes; ++c) {
      copy_row(image.chroma[c] + from, begin, image.width, Scalar(0), Scalar(1),
               to + (c + 1) * shape.plane, shape.pitch);
    }
  }
  Scalar out[kPlanes][kTileColumns];
  for (int64_t y = 0; y < rows; ++y) {
    const int64_t above = std::min(shape.margin, top + y);
    const int64_t below = std::min(shape.margin, image.height - 1 - top - y);
    const Scalar* pixel = buffer.data() + (y + shape.margin) * shape.pitch + shape.reach;
    const Row<Scalar> row{pixel,
                          {pixel + shape.plane, pixel + 2 * shape.plane},
                          {out[0], out[1]},
                          static_cast<int>(columns),
                          disk.taps.data() + disk.row_start[shape.margin - above],
                          disk.taps.data() + disk.row_start[shape.margin + below + 1]};
    filter_planes(row, image.planes);
    for (int c = 0; c < image.planes; ++c) {
      std::copy_n(out[c], columns, image.out[c] + (top + y) * image.width + left);
    }
  }
}

}  // namespace bilateral

namespace {

template <class Scalar>
void filter(const Tensor& chroma, const Tensor& guide, Tensor& out, int64_t radius,
            double sigma_space, double sigma_range) {
  using namespace bilateral;
  const int64_t planes = chroma.size(1), height = chroma.size(2), width = chroma.size(3);
  const int64_t pairs = (planes + kPlanes - 1) / kPlanes, pixels = height * width;
  const int64_t down = (height + kTileRows - 1) / kTileRows;
  const int64_t across = (width + kTileColumns - 1) / kTileColumns;
  const auto* chroma_in = chroma.const_data_ptr<Scalar>();
  const auto* guide_in = guide.const_data_ptr<Scalar>();
  auto* chroma_out = out.mutable_data_ptr<Scalar>();
  const TileShape shape(radius, height, width);
  const Disk<Scalar> disk(radius, shape.margin, shape.reach, shape.pitch, sigma_space);
  const auto scale = static_cast<Scalar>(guide_scale(sigma_range));
  const int64_t tiles = chroma.size(0) * pairs * down * across;
  torch::stable::parallel_for(0, tiles, 1, [&](int64_t begin, int64_t end) {
    std::vector<Scalar> buffer;
    for (int64_t t = begin; t < end; ++t) {
      const int64_t column = t % across, row = t / across % down, group = t / across / down;
      const int64_t n = group / pairs, c = group % pairs * kPlanes;
      const Scalar* from = chroma_in + (n * planes + c) * pixels;
      Scalar* to = chroma_out + (n * planes + c) * pixels;
      const Image<Scalar> image{guide_in + n * pixels, {from, from + pixels},
                                {to, to + pixels},
                                static_cast<int>(std::min<int64_t>(kPlanes, planes - c)),
                                height, width};
      filter_tile(image, shape, disk, scale, row * kTileRows, column * kTileColumns, buffer);
    }
  });
}

Tensor joint_bilateral(const Tensor& chroma, const Tensor& guide, int64_t radius,
                       double sigma_space, double sigma_range) {
  FilterTensors tensors("joint_bilateral", chroma, guide, radius, sigma_space, sigma_range);
  if (tensors.out.numel() == 0) {
    return tensors.out;
  }
  advise_huge_pages(tensors.out.mutable_data_ptr(),
                    tensors.out.numel() * tensors.out.element_size());
  if (chroma.scalar_type() == ScalarType::Double) {
    filter<double>(tensors.chroma, tensors.guide, tensors.out, radius, sigma_space, sigma_range);
  } else {
    filter<float>(tensors.chroma, tensors.guide, tensors.out, radius, sigma_space, sigma_range);
  }
  return tensors.out;
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CPU, library) {
  library.impl("joint_bilateral", TORCH_BOX(&napari_colorize::joint_bilateral));
}
