// The only door to torch: its stable ABI as of 2.11, so that one build loads on every later torch.
//
// Include this before anything else of torch's. The version is pinned here and not on the command
// line, because the pybind11 that ships with torch 2.11 refuses it there.
#pragma once

#ifdef TORCH_TARGET_VERSION
#error "TORCH_TARGET_VERSION is set in torch_stable.h; take it off the command line"
#endif
#define TORCH_TARGET_VERSION (((0ULL + 2) << 56) | ((0ULL + 11) << 48))

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>
#include <torch/headeronly/util/Exception.h>

namespace napari_colorize {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;

}  // namespace napari_colorize
