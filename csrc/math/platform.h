// Words that make one function serve the CPU's vectoriser and the GPU's compiler alike.
//
// NC_HD marks a function for host and device and insists on inlining it: the loops in csrc/cpu are
// compiled once per instruction set (see cpu/multiversion.h), and a callee that is not inlined
// would stay in its plain version. Mathematics here is branch-free where it can be (`a ? b : c`
// becomes a blend), and knows nothing of torch.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__CUDACC__)
#define NC_HD __host__ __device__ __forceinline__
#elif defined(_MSC_VER)
#define NC_HD __forceinline
#else
#define NC_HD inline __attribute__((always_inline))
#endif
