// The operators' schemas and nothing else. What each one computes, its shapes and units are in
// docs/design.md ("Operators"); each kernel registers itself in the last lines of its own file.
#include "torch_stable.h"

STABLE_TORCH_LIBRARY(napari_colorize, library) {
  library.def("rgb_to_lab(Tensor rgb, int channel_dim=-1) -> Tensor");
  library.def("lab_to_rgb(Tensor lab, int channel_dim=-1, bool to_uint8=False) -> Tensor");
  library.def("gamut_clip(Tensor lab, int channel_dim=-1) -> (Tensor, Tensor)");
  library.def("soft_encode(Tensor ab, int neighbours=5, float sigma=5.0) -> (Tensor, Tensor)");
  library.def("soft_encode_dense(Tensor ab, int neighbours=5, float sigma=5.0) -> Tensor");
  library.def(
      "annealed_mean(Tensor logits, Tensor bins, Tensor? bias, Tensor temperature)"
      " -> (Tensor, Tensor)");
  library.def(
      "joint_bilateral(Tensor chroma, Tensor guide, int radius, float sigma_space,"
      " float sigma_range) -> Tensor");
  library.def(
      "joint_bilateral_backward(Tensor gradient, Tensor chroma, Tensor guide, Tensor out,"
      " int radius, float sigma_space, float sigma_range, bool to_chroma=True,"
      " bool to_guide=True) -> (Tensor, Tensor)");
  library.def(
      "joint_bilateral_approximate(Tensor chroma, Tensor guide, int radius, float sigma_space,"
      " float sigma_range) -> Tensor");
  library.def(
      "joint_bilateral_upsample(Tensor chroma, Tensor guide_small, Tensor guide, int radius,"
      " float sigma_space, float sigma_range, int top=0, int left=0, int full_height=0,"
      " int full_width=0) -> Tensor");
  library.def(
      "joint_bilateral_upsample_backward(Tensor gradient, Tensor chroma, Tensor guide_small,"
      " Tensor guide, Tensor out, int radius, float sigma_space, float sigma_range,"
      " bool to_chroma=True, bool to_guide_small=True, bool to_guide=True)"
      " -> (Tensor, Tensor, Tensor)");
  library.def(
      "finish(Tensor luma, Tensor chroma, Tensor guide_small, int radius, float sigma_space,"
      " float sigma_range, int top=0, int left=0, int full_height=0, int full_width=0)"
      " -> (Tensor, Tensor)");
  library.def(
      "levin_propagate(Tensor luma, Tensor chroma, Tensor mask, Tensor? walls, Tensor? prior,"
      " Tensor? certainty, float tolerance=0.25, int cycles=60, Tensor? stop=None)"
      " -> (Tensor, Tensor)");
}
