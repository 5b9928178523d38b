// napari_colorize._C_cuda: importing it registers the CUDA kernels (static initialisers of the other
// files here) for the schemas that napari_colorize._C has defined.
#include <pybind11/pybind11.h>

PYBIND11_MODULE(_C_cuda, m) { m.doc() = "The CUDA kernels of napari-colorize."; }
