// joint_bilateral on the CPU: exact, tile by tile. A tile and its margin are copied to a buffer of the
// thread, with a guide outside the image that no pixel resembles, so that the inner loop knows no
// borders; two vectors of pixels stay in registers while all taps of the disk pass by.
#include "bilateral_tensors.h"
#include "cpu/bilateral_tiles.h"
#include "cpu/memory.h"
#include "cpu/wide_vector.h"
#include "math/bilateral.h"

#include <algorithm>
#include <vector>

namespace napari_colorize {

namespace bilateral {

constexpr int kTogether = 2;  // vectors of pixels in registers

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

template <class Scalar>
void filter_tile(const Image<Scalar>& image, const TileShape& shape, const Disk<Scalar>& disk,
                 Scalar scale, const Place& place, std::vector<Scalar>& buffer) {
  buffer.resize((1 + kPlanes) * shape.plane);
  for (int64_t y = place.first_row; y < place.end_row; ++y) {
    Scalar* to = buffer.data() + (y - place.top + shape.margin) * shape.pitch;
    const int64_t from = y * image.width, begin = place.left - shape.reach;
    const Scalar* guide = image.guide + from;
    fill_row(begin, image.width, static_cast<Scalar>(kNobody), to, shape.pitch,
             [&](int64_t x) { return guide[x] * scale; });
    for (int c = 0; c < image.planes; ++c) {
      const Scalar* chroma = image.chroma[c] + from;
      fill_row(begin, image.width, Scalar(0), to + (c + 1) * shape.plane, shape.pitch,
               [&](int64_t x) { return chroma[x]; });
    }
  }
  Scalar out[kPlanes][kTileColumns];
  for (int64_t y = 0; y < place.rows; ++y) {
    const TapRange<Scalar> taps(disk, shape, place.top + y, image.height);
    const Scalar* pixel = buffer.data() + (y + shape.margin) * shape.pitch + shape.reach;
    const Row<Scalar> row{pixel,
                          {pixel + shape.plane, pixel + 2 * shape.plane},
                          {out[0], out[1]},
                          static_cast<int>(place.columns),
                          taps.first,
                          taps.last};
    filter_planes(row, image.planes);
    for (int c = 0; c < image.planes; ++c) {
      std::copy_n(out[c], place.columns,
                  image.out[c] + (place.top + y) * image.width + place.left);
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
      const Place place(shape, height, width, row * kTileRows, column * kTileColumns);
      filter_tile(image, shape, disk, scale, place, buffer);
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
