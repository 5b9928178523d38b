"""The CUDA kernels compile on any machine with nvcc, without a GPU or a CUDA build of torch."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

CSRC = Path(__file__).resolve().parents[2] / "csrc"
KERNELS = sorted((CSRC / "cuda").glob("*.cu"))
GLUE = sorted(set((CSRC / "cuda").glob("*.cpp")) - {CSRC / "cuda" / "module.cpp"})
NVCC = shutil.which("nvcc") or shutil.which("/usr/local/cuda/bin/nvcc")
COMPILER = shutil.which(os.environ.get("CXX", "c++"))


def compile_object(command: list[str], source: Path, folder: Path) -> None:
    """Compile one file to an object, without warnings."""
    target = folder / "out.o"
    done = subprocess.run(
        [*command, f"-I{CSRC}", "-c", str(source), "-o", str(target)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr, done.stderr
    assert target.stat().st_size > 0


def test_there_are_kernels_to_compile():
    assert KERNELS
    assert GLUE


def test_no_two_sources_want_the_same_object_file():
    stems = [path.stem for path in [*KERNELS, *(CSRC / "cuda").glob("*.cpp")]]
    assert len(stems) == len(set(stems))


@pytest.mark.skipif(NVCC is None, reason="skipped: no nvcc on this machine, kernels not compiled")
@pytest.mark.parametrize("source", KERNELS, ids=lambda path: path.name)
def test_a_kernel_compiles(source, tmp_path):
    compile_object([str(NVCC), "-std=c++17", "-arch=sm_80"], source, tmp_path)


@pytest.fixture
def without_cuda():
    """Return the command that compiles what stands between torch and the kernels."""
    if COMPILER is None:
        pytest.skip("skipped: no C++ compiler on this machine")
    import pybind11
    from torch.utils.cpp_extension import include_paths

    folders = [*include_paths(), pybind11.get_include(), sysconfig.get_path("include")]
    includes = [f"-isystem{folder}" for folder in folders]
    return [str(COMPILER), "-std=c++20", "-Wall", "-DUSE_CUDA=1", *includes]


def test_the_code_between_torch_and_the_kernels_compiles_without_cuda(without_cuda, tmp_path):
    """As one file, since reading torch's headers is what takes long."""
    together = tmp_path / "together.cpp"
    together.write_text("".join(f'#include "{path}"\n' for path in GLUE))
    compile_object(without_cuda, together, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("source", GLUE, ids=lambda path: path.name)
def test_each_file_between_torch_and_the_kernels_compiles_alone(source, without_cuda, tmp_path):
    compile_object(without_cuda, source, tmp_path)


@pytest.mark.parametrize("source", KERNELS, ids=lambda path: path.name)
def test_kernels_know_nothing_of_torch(source):
    text = source.read_text()
    assert "torch" not in "".join(line for line in text.splitlines() if "#include" in line)


@pytest.mark.parametrize("header", sorted((CSRC / "math").glob("*.h")), ids=lambda path: path.name)
def test_mathematics_knows_nothing_of_torch(header):
    includes = [line for line in header.read_text().splitlines() if line.startswith("#include")]
    assert not [line for line in includes if "torch" in line or "pybind11" in line]
