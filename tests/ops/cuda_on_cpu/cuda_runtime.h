// The few words of CUDA that the kernels use, for a C++ compiler: a block's threads take turns, and
// pass the turn on at __syncthreads(). Blocks run one after another. What runs here is the kernels'
// own text; what a GPU alone has (its memory model, its rounding, its speed) is not here.
#pragma once

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __align__(bytes) alignas(bytes)
#define __shared__ static

struct dim3 {
  unsigned x, y, z;
  dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

struct alignas(16) uint4 {
  unsigned x, y, z, w;
};

using cudaStream_t = void*;
enum { cudaSuccess = 0, cudaDevAttrMaxSharedMemoryPerBlockOptin = 97,
       cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };

inline dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace on_cpu {

constexpr size_t kShared = 160 * 1024;  // of a block, as an A100 grants
constexpr size_t kStack = 64 * 1024;    // of a thread
inline std::vector<unsigned char> shared(kShared + 64);

inline unsigned char* shared_memory() {
  return shared.data() + (64 - reinterpret_cast<uintptr_t>(shared.data()) % 64);
}

struct Thread {
  ucontext_t context;
  std::vector<char> stack;
  bool done;
};
inline std::vector<Thread> threads;
inline ucontext_t scheduler;
inline size_t current;
inline void (*body)(void*);
inline void* body_argument;

inline void enter() {
  body(body_argument);
  threads[current].done = true;
}

inline void run_block() {
  const size_t count = static_cast<size_t>(blockDim.x) * blockDim.y * blockDim.z;
  threads.resize(count);
  for (Thread& thread : threads) {
    thread.done = false;
    thread.stack.resize(kStack);
    getcontext(&thread.context);
    thread.context.uc_stack.ss_sp = thread.stack.data();
    thread.context.uc_stack.ss_size = kStack;
    thread.context.uc_link = &scheduler;
    makecontext(&thread.context, enter, 0);
  }
  for (size_t done = 0; done < count;) {
    done = 0;
    for (current = 0; current < count; ++current) {
      const auto i = static_cast<unsigned>(current);
      threadIdx = dim3(i % blockDim.x, i / blockDim.x % blockDim.y, i / blockDim.x / blockDim.y);
      swapcontext(&scheduler, &threads[current].context);
      done += threads[current].done;
    }
    if (done != 0 && done != count) {
      fprintf(stderr, "some threads of a block ended while others waited for them\n");
      abort();
    }
  }
}

template <class Body>
void launch(dim3 blocks, dim3 size, size_t bytes, Body run) {
  if (bytes > kShared) {
    fprintf(stderr, "a kernel was launched with more shared memory than there is\n");
    abort();
  }
  gridDim = blocks;
  blockDim = size;
  body = [](void* argument) { (*static_cast<Body*>(argument))(); };
  body_argument = &run;
  for (unsigned z = 0; z < blocks.z; ++z) {
    for (unsigned y = 0; y < blocks.y; ++y) {
      for (unsigned x = 0; x < blocks.x; ++x) {
        blockIdx = dim3(x, y, z);
        run_block();
      }
    }
  }
}

}  // namespace on_cpu

inline void __syncthreads() {
  on_cpu::Thread& thread = on_cpu::threads[on_cpu::current];
  swapcontext(&thread.context, &on_cpu::scheduler);
}

inline int cudaGetLastError() { return cudaSuccess; }

inline int cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}

inline int cudaDeviceGetAttribute(int* value, int, int) {
  *value = static_cast<int>(on_cpu::kShared);
  return cudaSuccess;
}

template <class Kernel>
int cudaFuncSetAttribute(Kernel, int, int) {
  return cudaSuccess;
}
