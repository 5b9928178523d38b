// The gradients of joint bilateral upsampling over a strip: one vector of full-size columns, up to
// kTileRows rows, and the small pixels that they see. All of it stays in the first caches. Formulas in
// math/bilateral_gradients.h.
#pragma once

#include "cpu/upsample.h"

#include <cstdint>
#include <vector>

namespace napari_colorize::upsampling {

constexpr int kStrip = 16;  // full-size columns
constexpr int kMostTaps = 128;

// Which gradients are asked for.
struct Asked {
  bool chroma, small, guide;
};

// Planes of full-size pixels, contiguous: of one image, `planes` of them used.
template <class Scalar>
struct FullImage {
  const Scalar* guide;
  const Scalar *gradient[kPlanes], *out[kPlanes];
  Scalar* to_guide;  // null if not asked for
  bool add;          // to what to_guide holds
};

// Where a band of full-size rows adds to the small gradients: channel 0 is that of the small guide, in
// units of the guide's scale and with the opposite sign, then come the chroma planes.
template <class Scalar>
struct SmallSums {
  Scalar* channel[1 + kPlanes];  // null if not asked for
  int64_t first_row, width;
};

// Rows [top, bottom) of the full-size image, at most kTileRows: the small rows they see and how heavily.
template <class Scalar>
struct RowTable {
  int64_t top, bottom, first, last;  // small rows first … last
  std::vector<Scalar> weight;        // [small row][full-size row], 0 where one does not see the other
  std::vector<int> begin, end;       // of the full-size rows that see a small row, from top

  void fill(const Axis<Scalar>& rows, int64_t taps, int64_t top, int64_t bottom);
};

template <class Scalar>
class Strip {
 public:
  // Adds what the pixels of `rows` and columns [left, left + count) ask of the small images to `sums`
  // and writes what they ask of their own guide.
  void differentiate(const Plan<Scalar>& plan, const RowTable<Scalar>& rows,
                     const SmallImage<Scalar>& small, const FullImage<Scalar>& full, int64_t width,
                     int64_t left, int count, Scalar slope, const Asked& asked,
                     const SmallSums<Scalar>& sums);

 private:
  void load_small(const Plan<Scalar>& plan, const RowTable<Scalar>& rows,
                  const SmallImage<Scalar>& small, int64_t left, int count);
  void load_full(const Plan<Scalar>& plan, const RowTable<Scalar>& rows,
                 const FullImage<Scalar>& full, int planes, int64_t width, int64_t left, int count);
  void look(const Plan<Scalar>& plan, const RowTable<Scalar>& rows, const FullImage<Scalar>& full,
            int planes, int64_t width, int64_t left, int count, Scalar slope);
  void collect(const Plan<Scalar>& plan, const RowTable<Scalar>& rows, int planes, int64_t left,
               int count, const Asked& asked, const SmallSums<Scalar>& sums);

  std::vector<Scalar> small_;   // [small row][tap][guide, chroma …][column]
  std::vector<Scalar> column_;  // [tap][exponent, smallest weight][column]
  std::vector<Scalar> full_;    // [row][guide, gradient …, out …][column]
};

extern template struct RowTable<float>;
extern template struct RowTable<double>;
extern template class Strip<float>;
extern template class Strip<double>;

}  // namespace napari_colorize::upsampling
