// Large outputs: without a page fault every 4 KiB, and past the caches that cannot hold them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#define NC_STREAMING_STORES 1
#endif

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace napari_colorize {

// Asks the kernel for huge pages behind a large, not yet touched block; a hint, never an error.
inline void advise_huge_pages(void* data, size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr uintptr_t huge = uintptr_t{1} << 21;
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(data) + huge - 1) & ~(huge - 1);
  const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + bytes) & ~(huge - 1);
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
