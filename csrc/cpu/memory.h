// Large outputs: without a page fault every 4 KiB, and past the caches that cannot hold them.
//
// A block that is fresh from the system has no memory behind it until it is touched, and the system
// zeroes what it puts there: 2 MiB at a time where it may. So all pages of a large block are asked for
// first, by all threads, in few calls: a fault each would cost more, and writing past the caches would
// meet the zeroes in them and take far longer. Who wants zeros need not write them (take_zero_pages).
// A block that the allocator kept has its pages.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

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

// From here on a block has its pages asked for, if it has none; below, coming one by one they cost little.
constexpr size_t kPopulatedBytes = size_t{1} << 20;

#if defined(__linux__)

// The whole pages of a block.
struct WholePages {
  uintptr_t first, last;

  WholePages(const void* data, size_t bytes) {
    const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    const uintptr_t begin = reinterpret_cast<uintptr_t>(data);
    first = (begin + page - 1) & ~(page - 1);
    last = std::max(first, (begin + bytes) & ~(page - 1));
  }

  size_t bytes() const { return last - first; }
};

// Asks for the pages between two addresses at once; nothing happens before Linux 5.14.
inline void populate(uintptr_t from, uintptr_t to) {
  constexpr int populate_for_writing = 23;  // MADV_POPULATE_WRITE
  if (to > from) {
    madvise(reinterpret_cast<void*>(from), to - from, populate_for_writing);
  }
}

// Whether memory stands behind the page in the middle of a block, which tells of the whole.
inline bool has_pages(const WholePages& pages) {
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t middle = (pages.first + pages.bytes() / 2) & ~(page - 1);
  unsigned char resident = 1;
  return mincore(reinterpret_cast<void*>(middle), 1, &resident) != 0 || (resident & 1);
}

#endif

// Gets an output its pages: huge ones if it can be, all at once where there are none. Hints all of it;
// what the block holds does not change, and where the system knows no such calls, pages come one by one.
inline void prepare_output(void* data, size_t bytes) {
  if (bytes < kPopulatedBytes) {
    return;
  }
  advise_huge_pages(data, bytes);
#if defined(__linux__)
  const WholePages pages(data, bytes);
  if (has_pages(pages)) {
    return;
  }
  // Shares that end where huge pages do, so that no two threads want the same one.
  const int64_t from = static_cast<int64_t>(pages.first / kHugePage);
  const int64_t to = static_cast<int64_t>((pages.last + kHugePage - 1) / kHugePage);
  torch::stable::parallel_for(from, to, 1, [&](int64_t low, int64_t high) {
    populate(std::max(pages.first, static_cast<uintptr_t>(low) * kHugePage),
             std::min(pages.last, static_cast<uintptr_t>(high) * kHugePage));
  });
#endif
}

// Makes a block all zeros if that costs nothing: if no page of it has been touched, all will come as
// zeros. Says whether it did; else the block is as it was.
inline bool take_zero_pages(void* data, size_t bytes) {
#if defined(__linux__)
  const WholePages pages(data, bytes);
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> resident(pages.bytes() / page);
  void* const begin = reinterpret_cast<void*>(pages.first);
  if (resident.empty() || mincore(begin, pages.bytes(), resident.data()) != 0 ||
      std::any_of(resident.begin(), resident.end(), [](unsigned char r) { return r & 1; })) {
    return false;
  }
  // What lies in a swap file is not resident either. This drops it.
  if (madvise(begin, pages.bytes(), MADV_DONTNEED) != 0) {
    return false;
  }
  char* const start = static_cast<char*>(data);
  const size_t head = pages.first - reinterpret_cast<uintptr_t>(data);
  memset(start, 0, head);
  memset(start + head + pages.bytes(), 0, bytes - head - pages.bytes());
  advise_huge_pages(data, bytes);
  return true;
#else
  (void)data;
  (void)bytes;
  return false;
#endif
}

// Asks for the pages of a share of a block that one thread is about to write.
inline void populate_share(void* data, size_t bytes) {
#if defined(__linux__)
  const WholePages pages(data, bytes);
  populate(pages.first, pages.last);
#else
  (void)data;
  (void)bytes;
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

// The same, to be written.
NC_HD void prefetch_for_writing(void* data) {
#if defined(__GNUC__)
  __builtin_prefetch(data, 1);
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
