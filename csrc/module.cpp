// napari_colorize._C: what the compiled library says about itself. Importing it also registers the
// operators (static initialisers of ops.cpp and cpu/*.cpp), so torch must be imported first.
#include <pybind11/pybind11.h>

#include <string>

#include "math/bins.h"

#define NC_TEXT_OF(token) #token
#define NC_TEXT(token) NC_TEXT_OF(token)

namespace {

// The instruction set that the multiversioned loops run with on this machine.
std::string cpu_capability() {
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12 && defined(__x86_64__) && \
    defined(__linux__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) {
    return "x86-64-v4";
  }
  if (__builtin_cpu_supports("x86-64-v3")) {
    return "x86-64-v3";
  }
  return "x86-64";
#else
  return "baseline";
#endif
}

// The centres (a, b) of the 313 bins, in their order.
pybind11::list bin_table() {
  namespace nc = napari_colorize;
  pybind11::list table;
  for (int i = nc::kFirstRow; i <= nc::kLastRow; ++i) {
    const nc::BinRow row = nc::bin_row(i);
    for (int j = row.low; j <= row.high; ++j) {
      table.append(pybind11::make_tuple(nc::kBinStep * i, nc::kBinStep * j));
    }
  }
  return table;
}

}  // namespace

PYBIND11_MODULE(_C, m) {
  m.doc() = "The compiled operators of napari-colorize.";
  m.attr("version") = NC_TEXT(NAPARI_COLORIZE_VERSION);
  m.attr("built_with_torch") = NC_TEXT(NAPARI_COLORIZE_TORCH);
  m.attr("has_cuda") = NAPARI_COLORIZE_HAS_CUDA != 0;
  m.def("bin_table", &bin_table, "Centres (a, b) of the 313 colour bins in Lab units, in order.");
  m.def("cpu_capability", &cpu_capability,
        "Instruction set of the loops on this machine: 'x86-64-v4', 'x86-64-v3', 'x86-64', or "
        "'baseline' where the compiler made one version only.");
}
