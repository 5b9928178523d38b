"""Build the compiled operators; everything else about the package is in pyproject.toml.

Two extension modules: ``napari_colorize._C`` (always) and ``napari_colorize._C_cuda`` (where torch
has CUDA and a CUDA toolkit is found). Without a compiler, or without torch at build time, the
package is installed as pure Python and its operators run in plain torch.

Environment variables read here:

NAPARI_COLORIZE_NO_EXTENSION=1
    Build nothing.
NAPARI_COLORIZE_CUDA=0/1
    Leave the CUDA module out, or insist on it.
TORCH_CUDA_ARCH_LIST
    GPU architectures of the CUDA module; ``8.0;9.0+PTX`` when unset.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).resolve().parent
OLDEST_TORCH = (2, 11)
GCC_FLAGS = [
    "-O3",
    "-g0",  # Python was built with -g; debug information would be nine tenths of the wheel
    "-std=c++20",
    "-fvisibility=hidden",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=fast",
    "-Wall",
    "-Wno-unknown-pragmas",
]
MSVC_FLAGS = ["/O2", "/std:c++20", "/fp:contract"]


class CannotBuild(Exception):
    """The reason, as a sentence, why the package is installed without compiled operators."""


def check_compiler() -> None:
    """Compile three lines of C++; raise `CannotBuild` where that fails."""
    if platform.system() == "Windows":
        return  # setuptools finds MSVC by itself, and says so where it does not
    compiler = os.environ.get("CXX") or "c++"
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.cpp")
        source.write_text("#include <vector>\nstd::vector<int> probe() { return {1}; }\n")
        command = [*compiler.split(), "-std=c++20", "-c", str(source), "-o", str(source) + ".o"]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise CannotBuild(f"the C++ compiler {compiler!r} does not work") from error


def import_torch():
    """Return torch as the build needs it; raise `CannotBuild` where it is missing or too old."""
    try:
        import pybind11  # noqa: F401
        import torch
    except ImportError as error:
        raise CannotBuild(f"{error.name} is not installed in the build environment") from error
    found = tuple(int(part) for part in torch.__version__.split(".")[:2])
    if found < OLDEST_TORCH:
        raise CannotBuild(f"torch {torch.__version__} is older than 2.11")
    return torch


def wants_cuda(torch) -> bool:
    """Whether `_C_cuda` is built: torch has CUDA and a toolkit is found, unless told otherwise."""
    from torch.utils.cpp_extension import CUDA_HOME

    possible = torch.version.cuda is not None and CUDA_HOME is not None
    asked = os.environ.get("NAPARI_COLORIZE_CUDA", "")
    if asked not in ("", "0", "1"):
        raise SystemExit(f"NAPARI_COLORIZE_CUDA is {asked!r}; it can be 0 or 1, or be left unset.")
    if asked == "1" and not possible:
        raise SystemExit(
            "NAPARI_COLORIZE_CUDA=1 asks for CUDA operators, and they need a torch with CUDA (this "
            f"one is {torch.__version__}) and a CUDA toolkit (set CUDA_HOME to its folder)."
        )
    return possible and asked != "0"


def sources(*patterns: str) -> list[str]:
    """Return the files under csrc/ that match, relative to the root as setuptools wants them."""
    found = [path for pattern in patterns for path in sorted(ROOT.glob(f"csrc/{pattern}"))]
    return [str(path.relative_to(ROOT)) for path in found]


def package_version() -> str:
    """Read the version from `_version.py` without importing the package."""
    text = (ROOT / "napari_colorize" / "_version.py").read_text()
    return re.search(r'__version__ = "([^"]+)"', text).group(1)


def extension_options(torch, *, with_cuda: bool) -> dict:
    """Return the options that both modules share."""
    import pybind11

    cxx = MSVC_FLAGS if platform.system() == "Windows" else GCC_FLAGS
    torch_minor = ".".join(torch.__version__.split(".")[:2])
    return {
        "include_dirs": [str(ROOT / "csrc"), pybind11.get_include()],
        "define_macros": [
            ("NAPARI_COLORIZE_VERSION", package_version()),
            ("NAPARI_COLORIZE_TORCH", torch_minor),
            ("NAPARI_COLORIZE_HAS_CUDA", str(int(with_cuda))),
        ],
        "extra_compile_args": {"cxx": cxx, "nvcc": ["-O3", "-std=c++17"]},
    }


def extensions(torch) -> list:
    """Return the extension modules to build on this machine."""
    from torch.utils.cpp_extension import CppExtension, CUDAExtension

    with_cuda = wants_cuda(torch)
    options = extension_options(torch, with_cuda=with_cuda)
    modules = [CppExtension("napari_colorize._C", sources("*.cpp", "cpu/*.cpp"), **options)]
    if with_cuda:
        os.environ.setdefault("TORCH_CUDA_ARCH_LIST", "8.0;9.0+PTX")
        options["define_macros"] = [*options["define_macros"], ("USE_CUDA", "1")]
        cuda_sources = sources("cuda/*.cpp", "cuda/*.cu")
        modules.append(CUDAExtension("napari_colorize._C_cuda", cuda_sources, **options))
    for module in modules:
        # Only the stable ABI of libtorch is used: leave Python's own torch library out, so that
        # one build serves every later torch.
        module.libraries = [name for name in module.libraries if name != "torch_python"]
    return modules


def builder(torch):
    """Return torch's build command, with objects kept in ``build/`` for ninja to reuse."""
    from torch.utils.cpp_extension import BuildExtension

    class BuildOperators(BuildExtension):
        def finalize_options(self) -> None:
            super().finalize_options()
            tag = f"{sysconfig.get_platform()}-{sys.implementation.cache_tag}"
            self.build_temp = str(ROOT / "build" / f"operators-{tag}-torch{torch.__version__}")

    return BuildOperators


def build_options() -> dict:
    """Return what `setup` needs to build the operators, or nothing, saying why in a sentence."""
    try:
        if os.environ.get("NAPARI_COLORIZE_NO_EXTENSION") == "1":
            raise CannotBuild("NAPARI_COLORIZE_NO_EXTENSION=1 is set")
        torch = import_torch()
        check_compiler()
    except CannotBuild as reason:
        print(
            f"napari-colorize: installing without compiled operators, because {reason}; "
            "everything works in plain torch, only slower.",
            file=sys.stderr,
        )
        return {}
    return {"ext_modules": extensions(torch), "cmdclass": {"build_ext": builder(torch)}}


setup(**build_options())
