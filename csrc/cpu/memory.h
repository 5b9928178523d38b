// Large outputs: without a page fault every 4 KiB, and past the caches that cannot hold them.
//
// A block that is fresh from the system has no memory behind it until it is touched, and the system
// zeroes what it puts there: 2 MiB at a time where it may. Those zeroes stand in the caches, where
// writing past the caches meets them and takes far longer. So all pages of a block that is written so are
// asked for first, by all threads, in few calls. A block that the allocator kept has its pages.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "math/platform.h"
#include "torch_stable.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#define NC_STREAMING_STORES 1
#endif

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace napari_colorize {

constexpr uintptr_t kHugePage = uintptr_t{1} << 21;

// Asks the kernel for huge pages behind a large, not yet touched block; a hint, never an error.
inline void advise_huge_pages(void* data, size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(data) + kHugePage - 1) & ~(kHugePage - 1);
  const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + bytes) & ~(kHugePage - 1);
  if (end > begin) {
    madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
  }
#else
  (void)data;
  (void)bytes;
#endif
}

// From here on an output is written past the caches: they are smaller, and would first read from
// memory what is overwritten.
constexpr size_t kStreamedBytes = size_t{32} << 20;

#if defined(__linux__)
// Whether memory stands behind the page in the middle of a block, which tells of the whole.
inline bool has_pages(const char* begin, size_t bytes, size_t page) {
  unsigned char resident = 1;
  const uintptr_t middle = (reinterpret_cast<uintptr_t>(begin) + bytes / 2) & ~(page - 1);
  return mincore(reinterpret_cast<void*>(middle), 1, &resident) != 0 || (resident & 1);
}
#endif

// Gets an output that will be streamed to its pages: huge ones if it can be. Hints all of it; what the block
// holds does not change, and where the system knows no such calls, pages come one by one.
inline void prepare_streamed_output(void* data, size_t bytes) {
  advise_huge_pages(data, bytes);
#if defined(__linux__)
  if (bytes < kStreamedBytes) {
    return;
  }
  constexpr int populate_for_writing = 23;  // MADV_POPULATE_WRITE, of Linux 5.14
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  char* const begin = static_cast<char*>(data);
  if (has_pages(begin, bytes, page)) {
    return;
  }
  const uintptr_t first = (reinterpret_cast<uintptr_t>(begin) + page - 1) & ~(page - 1);
  const uintptr_t last = (reinterpret_cast<uintptr_t>(begin) + bytes) & ~(page - 1);
  // Shares that end where huge pages do, so that no two threads want the same one.
  const int64_t from = static_cast<int64_t>(first / kHugePage);
  const int64_t to = static_cast<int64_t>((last + kHugePage - 1) / kHugePage);
  torch::stable::parallel_for(from, to, 1, [&](int64_t low, int64_t high) {
    const uintptr_t start = std::max(first, static_cast<uintptr_t>(low) * kHugePage);
    const uintptr_t stop = std::min(last, static_cast<uintptr_t>(high) * kHugePage);
    if (stop > start) {
      madvise(reinterpret_cast<void*>(start), stop - start, populate_for_writing);
    }
  });
#endif
}

// Has what lies there brought into the first-level cache; a hint, good for any address.
NC_HD void prefetch(const void* data) {
#if defined(__GNUC__)
  __builtin_prefetch(data);
#else
  (void)data;
#endif
}

// Copies floats past the caches; to memory that is aligned oddly, the usual way. End a thread's share
// with finish_streaming().
inline void stream_floats(const float* from, int count, float* to) {
#if defined(NC_STREAMING_STORES)
  if (reinterpret_cast<uintptr_t>(to) % 16 == 0) {
    int i = 0;
    for (; i + 4 <= count; i += 4) {
      _mm_stream_ps(to + i, _mm_loadu_ps(from + i));
    }
    std::copy(from + i, from + count, to + i);
    return;
  }
#endif
  std::copy_n(from, count, to);
}

inline void finish_streaming() {
#if defined(NC_STREAMING_STORES)
  _mm_sfence();
#endif
}

}  // namespace napari_colorize
