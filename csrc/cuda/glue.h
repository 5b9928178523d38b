// From a torch tensor to what a launcher takes, and back from its status. No CUDA header in sight.
#pragma once

#include "torch_stable.h"

#include <torch/csrc/stable/accelerator.h>

namespace napari_colorize {

// The stream that torch is working with on the tensor's device, as an opaque pointer.
inline void* current_stream(const Tensor& tensor) {
  void* stream = nullptr;
  STABLE_TORCH_ERROR_CODE_CHECK(
      aoti_torch_get_current_cuda_stream(tensor.get_device_index(), &stream));
  return stream;
}

// Makes the tensor's device the current one while it lives.
inline torch::stable::accelerator::DeviceGuard device_guard(const Tensor& tensor) {
  return torch::stable::accelerator::DeviceGuard(tensor.get_device_index());
}

// Launchers return cudaGetLastError() as an int; zero is success.
inline void check_launch(int status, const char* name) {
  STD_TORCH_CHECK(status == 0, name, " could not be started on the GPU (CUDA error ", status, ").");
}

}  // namespace napari_colorize
