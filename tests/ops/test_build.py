"""Installing: with a compiler, without one, and what is said about it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]

FORGET_EDITABLE_INSTALLS = (
    "import sys; sys.meta_path = "
    "[f for f in sys.meta_path if '__editable__' not in getattr(f, '__module__', '')];"
)
"""A developer's own checkout would lend its compiled library to the copy under test."""


def copy_sources(folder: Path) -> Path:
    """Copy what a source archive of the package has, without anything built."""
    tree = folder / "tree"
    ignore = shutil.ignore_patterns("*.so", "__pycache__", "*.safetensors")
    for name in ("napari_colorize", "csrc"):
        shutil.copytree(ROOT / name, tree / name, ignore=ignore)
    for name in ("setup.py", "pyproject.toml", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, tree)
    (tree / "README.md").write_text("A copy for a test.\n")
    return tree


def run(command: list[str], tree: Path, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *command],
        cwd=tree,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=280,
        check=False,
    )


WITHOUT = {
    "asked": ({"NAPARI_COLORIZE_NO_EXTENSION": "1"}, "NAPARI_COLORIZE_NO_EXTENSION=1 is set"),
    "broken compiler": ({"CXX": "/bin/false"}, "the C++ compiler '/bin/false' does not work"),
    "no compiler": ({"CXX": "/nowhere/c++"}, "the C++ compiler '/nowhere/c++' does not work"),
}
NOT_EACH_TIME = {"no compiler": pytest.mark.slow}


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        pytest.param(*case, id=name, marks=NOT_EACH_TIME.get(name, ()))
        for name, case in WITHOUT.items()
    ],
)
def test_without_a_compiler_nothing_is_built_and_the_reason_is_one_sentence(
    environment, reason, tmp_path
):
    tree = copy_sources(tmp_path)
    built = run(["setup.py", "-q", "build", "--build-lib", "lib"], tree, **environment)
    assert built.returncode == 0, built.stderr
    assert built.stderr.count("installing without compiled operators") == 1
    assert reason in built.stderr
    assert not list((tree / "lib").rglob("*.so"))


@pytest.mark.slow
def test_a_pure_python_installation_works_through_the_twins(tmp_path):
    tree = copy_sources(tmp_path)
    target = tmp_path / "site"
    pip = ["-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps", "--no-index"]
    installed = run([*pip, "--target", str(target), "."], tree, NAPARI_COLORIZE_NO_EXTENSION="1")
    assert installed.returncode == 0, installed.stderr
    code = (
        FORGET_EDITABLE_INSTALLS + "import torch, napari_colorize; from napari_colorize import ops;"
        "rgb = torch.tensor([[200, 30, 60]], dtype=torch.uint8);"
        "assert torch.equal(ops.lab_to_rgb(ops.rgb_to_lab(rgb), dtype=torch.uint8), rgb);"
        "print(ops.backend(), napari_colorize.__file__)"
    )
    used = run(["-c", code], tmp_path, PYTHONPATH=str(target))
    assert used.returncode == 0, used.stderr
    backend, where = used.stdout.split(maxsplit=1)
    assert backend == "twin"
    assert where.startswith(str(target))
    assert used.stderr.count("RuntimeWarning") == 1
    assert "they were not built" in used.stderr


@pytest.mark.skipif(torch.version.cuda is not None, reason="skipped: this torch has CUDA")
def test_cuda_operators_are_refused_with_a_sentence_where_torch_has_no_cuda(tmp_path):
    tree = copy_sources(tmp_path)
    built = run(["setup.py", "-q", "build_ext"], tree, NAPARI_COLORIZE_CUDA="1")
    assert built.returncode != 0
    assert "they need a torch with CUDA" in built.stderr
    assert "Traceback" not in built.stderr


def test_the_stable_abi_is_pinned_in_one_place():
    pinned = [
        path
        for path in [*ROOT.glob("csrc/**/*.h"), *ROOT.glob("csrc/**/*.cpp")]
        if "#define TORCH_TARGET_VERSION" in path.read_text()
    ]
    assert pinned == [ROOT / "csrc" / "torch_stable.h"]


def test_nothing_includes_torch_past_the_stable_abi():
    allowed = ("torch/csrc/stable/", "torch/headeronly/", "torch/csrc/inductor/aoti_torch/c/")
    for path in [
        *ROOT.glob("csrc/**/*.h"),
        *ROOT.glob("csrc/**/*.cpp"),
        *ROOT.glob("csrc/**/*.cu"),
    ]:
        for line in path.read_text().splitlines():
            if line.startswith(("#include <torch", "#include <ATen", "#include <c10")):
                assert any(prefix in line for prefix in allowed), f"{path}: {line}"


@pytest.mark.slow
def test_a_fresh_build_has_every_kernel(tmp_path):
    tree = copy_sources(tmp_path)
    built = run(["setup.py", "-q", "build_ext", "--inplace"], tree, MAX_JOBS="2")
    assert built.returncode == 0, built.stderr
    code = (
        FORGET_EDITABLE_INSTALLS
        + "from napari_colorize import ops; print(ops.backend(), ops.__file__)"
    )
    used = run(["-c", code], tree, PYTHONPATH=str(tree))
    assert used.stdout.split()[0] == "native", used.stderr
    assert str(tree) in used.stdout
