// One loop, compiled for several instruction sets, the best one chosen when the library loads.
//
// NC_MULTIVERSION goes before a plain function (no template, external linkage) that holds the loop;
// everything it calls must be NC_HD. Wheels stay portable, as -march=native would not.
#pragma once

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12 && defined(__x86_64__) && \
    defined(__linux__)
#define NC_MULTIVERSION \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define NC_MULTIVERSION
#endif

// Promises the vectoriser that the iterations of the next loop do not touch each other's data.
#if defined(__GNUC__) && !defined(__clang__)
#define NC_INDEPENDENT _Pragma("GCC ivdep")
#elif defined(__clang__)
#define NC_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define NC_INDEPENDENT
#endif
