// joint_bilateral on the CPU: exact, tile by tile. A tile and its margin are copied to a buffer of the
// thread, with a guide outside the image that no pixel resembles, so that the inner loop knows no
// borders; two vectors of pixels stay in registers while all taps of the disk pass by.
#include "bilateral_checks.h"
#include "cpu/memory.h"
#include "cpu/multiversion.h"
#include "cpu/vector.h"
#include "math/bilateral.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace napari_colorize {

namespace bilateral {

constexpr int kTileRows = 32;
constexpr int kTileColumns = 128;
constexpr int kPlanes = 2;       // chroma planes that share the weights
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

template <class Float, class Scalar, int Width, int Planes>
NC_HD void filter_row(const Row<Scalar>& row) {
  constexpr int kTogether = 2;
  for (int x = 0; x < row.columns; x += kTogether * Width) {
    Float centre[kTogether], norm[kTogether], total[Planes][kTogether];
    for (int u = 0; u < kTogether; ++u) {
      centre[u] = load_vector<Float>(row.guide + x + u * Width);
      norm[u] = Float{};
      for (int c = 0; c < Planes; ++c) {
        total[c][u] = Float{};
      }
    }
    for (const Tap<Scalar>* tap = row.first; tap != row.last; ++tap) {
      const int64_t from = x + tap->offset;
      for (int u = 0; u < kTogether; ++u) {
        const Float step = load_vector<Float>(row.guide + from + u * Width) - centre[u];
        const Float weight = filter_weight(step, tap->exponent);
        norm[u] += weight;
        for (int c = 0; c < Planes; ++c) {
          total[c][u] += weight * load_vector<Float>(row.chroma[c] + from + u * Width);
        }
      }
    }
    for (int u = 0; u < kTogether; ++u) {
      for (int c = 0; c < Planes; ++c) {
        store_vector(row.out[c] + x + u * Width, total[c][u] / norm[u]);
      }
    }
  }
}

NC_MULTIVERSION void filter_row_single(const Row<float>& row) {
  filter_row<FloatVector, float, kVectorWidth, 1>(row);
}

NC_MULTIVERSION void filter_row_pair(const Row<float>& row) {
  filter_row<FloatVector, float, kVectorWidth, 2>(row);
}

void filter_planes(const Row<float>& row, int planes) {
  planes == 1 ? filter_row_single(row) : filter_row_pair(row);
}

void filter_planes(const Row<double>& row, int planes) {
  planes == 1 ? filter_row<double, double, 1, 1>(row) : filter_row<double, double, 1, 2>(row);
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

template <class Scalar>
void copy_row(const Scalar* from, int64_t begin, int64_t width, Scalar outside, Scalar scale,
              Scalar* to, int64_t count) {
  for (int64_t x = 0; x < count; ++x) {
    const int64_t column = begin + x;
    to[x] = column >= 0 && column < width ? from[column] * scale : outside;
  }
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
  constexpr const char* name = "joint_bilateral";
  check_settings(name, 0, radius, sigma_space, sigma_range);
  check_planes(name, chroma);
  check_guide(name, guide, chroma, chroma.size(2), chroma.size(3));
  Tensor out = torch::stable::new_empty(chroma, chroma.sizes());
  if (out.numel() == 0) {
    return out;
  }
  advise_huge_pages(out.mutable_data_ptr(), out.numel() * out.element_size());
  const Tensor planes = torch::stable::contiguous(chroma);
  const Tensor lightness = torch::stable::contiguous(guide);
  if (chroma.scalar_type() == ScalarType::Double) {
    filter<double>(planes, lightness, out, radius, sigma_space, sigma_range);
  } else {
    filter<float>(planes, lightness, out, radius, sigma_space, sigma_range);
  }
  return out;
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CPU, library) {
  library.impl("joint_bilateral", TORCH_BOX(&napari_colorize::joint_bilateral));
}
