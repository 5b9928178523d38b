"""What an import costs, and who may look at whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import napari_colorize

ROOM = Path(napari_colorize.__file__).parent
MODULES = sorted(ROOM.rglob("*.py"))

MIDDLE = {"parameters", "pipeline", "records", "files", "methods", "checkpoints", "sample_data"}
TOP = {"widgets", "cli", "evaluation", "training"}
MAY_LOOK_AT = (
    {"_version": set(), "__init__": {"_version"}, "ops": {"_C", "_C_cuda", "_version"}}
    | {part: MIDDLE | {"ops", "_version"} for part in MIDDLE}
    | {"api": MIDDLE | {"ops", "_version"}, "sequences": MIDDLE | {"api", "ops", "_version"}}
    | {part: MIDDLE | {"api", "sequences", "ops", "_version", "__init__"} for part in TOP}
)
"""Of each part of the package, the others that it may import; itself is always allowed."""

BESIDES = {
    "training": {"evaluation"},
    "evaluation": set(),
    "cli": {"evaluation", "training"},
    "widgets": {"evaluation", "training"},
}
"""Looks from one top room into another: a training scores itself, the command line offers all, and
panels ask the questions of the Turing test and teach."""

QT_AND_NAPARI = {"qtpy", "PyQt5", "PyQt6", "PySide2", "PySide6", "superqt", "magicgui", "napari"}


def part_of(path: Path) -> str:
    return path.relative_to(ROOM).with_suffix("").parts[0]


def imports_of(path: Path) -> set[str]:
    """Return the dotted modules a file imports at run time, those inside functions included."""
    found: set[str] = set()

    class Visitor(ast.NodeVisitor):
        def visit_If(self, node):
            if ast.unparse(node.test).endswith("TYPE_CHECKING"):
                node.body = []
            self.generic_visit(node)

        def visit_Import(self, node):
            found.update(alias.name for alias in node.names)

        def visit_ImportFrom(self, node):
            package = ["napari_colorize", *path.relative_to(ROOM).parent.parts]
            base = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*base, node.module] if node.module else base)
            found.update(f"{module}.{alias.name}" for alias in node.names)

    Visitor().visit(ast.parse(path.read_text("utf-8")))
    return found


def parts_seen_by(path: Path) -> set[str]:
    own = {
        name.split(".", 1)[1] for name in imports_of(path) if name.startswith("napari_colorize.")
    }
    known = {part_of(module) for module in MODULES} | {"_C", "_C_cuda"}
    firsts = {name.split(".")[0] for name in own}
    return {first if first in known else "__init__" for first in firsts}


def named(path: Path) -> str:
    return str(path.relative_to(ROOM))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_no_part_looks_back_up(path):
    part = part_of(path)
    allowed = MAY_LOOK_AT[part] | BESIDES.get(part, set()) | {part}
    assert parts_seen_by(path) <= allowed


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_only_widgets_import_qt_or_napari(path):
    seen = {name.split(".")[0] for name in imports_of(path)} & QT_AND_NAPARI
    assert not seen or part_of(path) == "widgets"


def test_methods_read_no_files():
    for path in (ROOM / "methods").rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not calls & {"open", "torch.load", "Path", "np.load"}, named(path)


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules in a fresh interpreter after a statement."""
    code = f"{statement}; import sys; print(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import napari_colorize",
        "import napari_colorize; napari_colorize.colorize, napari_colorize.ColorizeParameters",
        "import napari_colorize.api, napari_colorize.files, napari_colorize.checkpoints",
    ],
)
def test_importing_loads_neither_torch_nor_qt_nor_napari(statement):
    assert not loaded_by(statement) & ({"torch", "cv2", "skimage"} | QT_AND_NAPARI)


def test_importing_the_package_does_not_even_load_numpy():
    assert "numpy" not in loaded_by("import napari_colorize")


@pytest.mark.alone
def test_importing_costs_less_than_300_milliseconds():
    """Measured inside the interpreter, best of several, so that a busy machine does not matter."""
    code = (
        "import time; start = time.perf_counter(); import napari_colorize; "
        "print(time.perf_counter() - start)"
    )
    seconds = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(5)
    ]
    assert min(seconds) < 0.3


def test_public_names_are_there_and_nothing_else_is_promised():
    assert set(dir(napari_colorize)) == set(napari_colorize.__all__)
    for name in napari_colorize.__all__:
        assert getattr(napari_colorize, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'colourise'"):
        napari_colorize.colourise  # noqa: B018
