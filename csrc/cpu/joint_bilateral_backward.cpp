// joint_bilateral_backward on the CPU: two passes of the filter's own tiles. The first finds the sum of
// weights of every pixel, the one plane that is kept between them. The second collects both gradients
// over each pixel's disk (math/bilateral_gradients.h): no thread writes where another does, so results
// do not depend on how many there are.
#include "bilateral_gradient_tensors.h"
#include "cpu/bilateral_gradient_rows.h"
#include "cpu/memory.h"
#include "math/bilateral_gradients.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

namespace napari_colorize {

namespace bilateral {

// What all tiles share. Tensors are contiguous; results that are not asked for are null.
template <class Scalar>
struct FilterBackward {
  const Scalar *gradient, *chroma, *guide, *out;
  Scalar *reciprocal, *to_chroma, *to_guide;
  int64_t images, planes, height, width;
  TileShape shape;
  Disk<Scalar> disk;
  Scalar scale, slope;

  FilterBackward(FilterBackwardTensors& tensors, Tensor& reciprocals, int64_t radius,
                 double sigma_space, double sigma_range)
      : gradient(tensors.gradient.const_data_ptr<Scalar>()),
        chroma(tensors.chroma.const_data_ptr<Scalar>()),
        guide(tensors.guide.const_data_ptr<Scalar>()),
        out(tensors.out.const_data_ptr<Scalar>()),
        reciprocal(reciprocals.mutable_data_ptr<Scalar>()),
        to_chroma(data_or_null<Scalar>(tensors.to_chroma)),
        to_guide(data_or_null<Scalar>(tensors.to_guide)), images(tensors.chroma.size(0)),
        planes(tensors.chroma.size(1)), height(tensors.chroma.size(2)),
        width(tensors.chroma.size(3)), shape(radius, height, width),
        disk(radius, shape.margin, shape.reach, shape.pitch, sigma_space),
        scale(static_cast<Scalar>(guide_scale(sigma_range))),
        slope(static_cast<Scalar>(guide_slope(sigma_range))) {}

  // Calls visit(image, place, buffer of `planes_each` planes with the guide in its first).
  template <class Visit>
  void for_each_tile(int64_t planes_each, const Visit& visit) const {
    const int64_t down = (height + kTileRows - 1) / kTileRows;
    const int64_t across = (width + kTileColumns - 1) / kTileColumns;
    torch::stable::parallel_for(0, images * down * across, 1, [&](int64_t begin, int64_t end) {
      std::vector<Scalar> buffer(planes_each * shape.plane);
      for (int64_t t = begin; t < end; ++t) {
        const int64_t column = t % across, row = t / across % down, n = t / across / down;
        const Place place(shape, height, width, row * kTileRows, column * kTileColumns);
        const Scalar* from = guide + n * height * width;
        fill(place, nobody(place, from), buffer.data(),
             [&](int64_t pixel) { return from[pixel] * scale; });
        visit(n, place, buffer.data());
      }
    });
  }

  // A guide that no pixel of the tile resembles, and no farther away than that takes: the filter's
  // kNobody times the least weight would be as much as a step of the guide if sigma_range is huge.
  Scalar nobody(const Place& place, const Scalar* from) const {
    const int64_t begin = std::max<int64_t>(0, place.left - shape.reach);
    const int64_t end = std::min(width, place.left + kTileColumns + shape.reach);
    Scalar largest = 0;
    for (int64_t y = place.first_row; y < place.end_row; ++y) {
      for (int64_t x = begin; x < end; ++x) {
        const Scalar size = std::abs(from[y * width + x]);
        largest = size > largest && size < static_cast<Scalar>(kNobody) ? size : largest;
      }
    }
    return 2 * largest * scale + 32;
  }

  // Fills a tile's plane with value(pixel of the image) and with `outside` around it.
  template <class Value>
  void fill(const Place& place, Scalar outside, Scalar* plane, const Value& value) const {
    for (int64_t y = place.first_row; y < place.end_row; ++y) {
      Scalar* to = plane + (y - place.top + shape.margin) * shape.pitch;
      fill_row(place.left - shape.reach, width, outside, to, shape.pitch,
               [&](int64_t x) { return value(y * width + x); });
    }
  }

  // From a plane of the buffer to the first pixel of the tile's row y.
  Scalar* row_of(Scalar* plane, int64_t y) const {
    return plane + (y + shape.margin) * shape.pitch + shape.reach;
  }
};

template <class Scalar>
void find_all_reciprocals(const FilterBackward<Scalar>& task) {
  task.for_each_tile(1, [&](int64_t n, const Place& place, Scalar* buffer) {
    Scalar found[kTileColumns];
    for (int64_t y = 0; y < place.rows; ++y) {
      find_reciprocals({task.row_of(buffer, y), found, static_cast<int>(place.columns),
                        {task.disk, task.shape, place.top + y, task.height}});
      const int64_t row = (n * task.height + place.top + y) * task.width;
      std::copy_n(found, place.columns, task.reciprocal + row + place.left);
    }
  });
}

// The planes of a tile's buffer, in this order after the guide: scaled, chroma, own.
template <class Scalar>
struct Buffer {
  Scalar *scaled[kPlanes], *chroma[kPlanes], *own;

  Buffer(Scalar* guide, int64_t plane)
      : scaled{guide + plane, guide + 2 * plane},
        chroma{guide + 3 * plane, guide + 4 * plane}, own(guide + 5 * plane) {}
};
constexpr int kBufferPlanes = 2 + 2 * kPlanes;

// Planes c … c + planes − 1 of image n: what add_neighbour reads of a tile.
template <class Scalar>
void load_tile(const FilterBackward<Scalar>& task, int64_t n, int64_t c, int planes,
               const Place& place, const Buffer<Scalar>& buffer) {
  const int64_t pixels = task.height * task.width, first = (n * task.planes + c) * pixels;
  const Scalar* reciprocal = task.reciprocal + n * pixels;
  const Scalar *gradient = task.gradient + first, *chroma = task.chroma + first;
  for (int k = 0; k < planes; ++k) {
    const Scalar* from = gradient + k * pixels;
    task.fill(place, Scalar(0), buffer.scaled[k],
              [=](int64_t i) { return from[i] * reciprocal[i]; });
  }
  if (task.to_guide == nullptr) {
    return;
  }
  for (int k = 0; k < planes; ++k) {
    const Scalar* from = chroma + k * pixels;
    task.fill(place, Scalar(0), buffer.chroma[k], [=](int64_t i) { return from[i]; });
  }
  const Scalar* out = task.out + first;
  task.fill(place, Scalar(0), buffer.own, [=](int64_t i) {
    Scalar own = 0;
    for (int k = 0; k < planes; ++k) {
      const int64_t at = k * pixels + i;
      own += own_pull(gradient[at] * reciprocal[i], chroma[at], out[at]);
    }
    return own;
  });
}

template <class Scalar>
void collect_all(const FilterBackward<Scalar>& task) {
  task.for_each_tile(kBufferPlanes, [&](int64_t n, const Place& place, Scalar* guide) {
    const Buffer<Scalar> buffer(guide, task.shape.plane);
    const int64_t pixels = task.height * task.width;
    for (int64_t c = 0; c < task.planes; c += kPlanes) {
      const int planes = static_cast<int>(std::min<int64_t>(kPlanes, task.planes - c));
      load_tile(task, n, c, planes, place, buffer);
      Scalar to_chroma[kPlanes][kTileColumns], to_guide[kTileColumns];
      for (int64_t y = 0; y < place.rows; ++y) {
        collect({task.row_of(guide, y),
                 {task.row_of(buffer.scaled[0], y), task.row_of(buffer.scaled[1], y)},
                 {task.row_of(buffer.chroma[0], y), task.row_of(buffer.chroma[1], y)},
                 task.row_of(buffer.own, y),
                 {to_chroma[0], to_chroma[1]},
                 to_guide,
                 static_cast<int>(place.columns),
                 {task.disk, task.shape, place.top + y, task.height}},
                planes, task.to_chroma != nullptr, task.to_guide != nullptr);
        const int64_t row = (place.top + y) * task.width + place.left;
        for (int k = 0; k < planes && task.to_chroma != nullptr; ++k) {
          std::copy_n(to_chroma[k], place.columns,
                      task.to_chroma + (n * task.planes + c + k) * pixels + row);
        }
        for (int64_t x = 0; x < place.columns && task.to_guide != nullptr; ++x) {
          Scalar& sum = task.to_guide[n * pixels + row + x];
          sum = (c == 0 ? Scalar(0) : sum) + to_guide[x] * task.slope;
        }
      }
    }
  });
}

}  // namespace bilateral

namespace {

template <class Scalar>
void differentiate(FilterBackwardTensors& tensors, int64_t radius, double sigma_space,
                   double sigma_range) {
  using namespace bilateral;
  Tensor reciprocals = torch::stable::new_empty(tensors.guide, tensors.guide.sizes());
  const FilterBackward<Scalar> task(tensors, reciprocals, radius, sigma_space, sigma_range);
  find_all_reciprocals(task);
  collect_all(task);
}

std::tuple<Tensor, Tensor> joint_bilateral_backward(const Tensor& gradient, const Tensor& chroma,
                                                    const Tensor& guide, const Tensor& out,
                                                    int64_t radius, double sigma_space,
                                                    double sigma_range, bool to_chroma,
                                                    bool to_guide) {
  FilterBackwardTensors tensors(gradient, chroma, guide, out, radius, sigma_space, sigma_range,
                                to_chroma, to_guide);
  if (tensors.is_idle()) {
    return {tensors.to_chroma, tensors.to_guide};
  }
  for (Tensor* result : {&tensors.to_chroma, &tensors.to_guide}) {
    advise_huge_pages(result->mutable_data_ptr(), result->numel() * result->element_size());
  }
  if (chroma.scalar_type() == ScalarType::Double) {
    differentiate<double>(tensors, radius, sigma_space, sigma_range);
  } else {
    differentiate<float>(tensors, radius, sigma_space, sigma_range);
  }
  return {tensors.to_chroma, tensors.to_guide};
}

}  // namespace

}  // namespace napari_colorize

STABLE_TORCH_LIBRARY_IMPL(napari_colorize, CPU, library) {
  library.impl("joint_bilateral_backward", TORCH_BOX(&napari_colorize::joint_bilateral_backward));
}
