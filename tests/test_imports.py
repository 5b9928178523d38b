"""The walls of the house: who may look at whom, how large a room is, and what an import costs."""

import ast
import os
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import napari_colorize

PACKAGE = Path(napari_colorize.__file__).parent

ROOMS = (
    "_version",
    "storage",
    "ops",
    "methods",
    "refinements",
    "parameters",
    "checkpoints",
    "decoders",
    "pipeline",
    "records",
    "results",
    "files",
    "guided",
    "api",
    "sequences",
    "volumes",
    "evaluation",
    "training",
    "sample_data",
    "cli",
    "widgets",
)
"""From the ground up, as docs/design.md names them: a room may look at those before it."""

APART = {("widgets", "cli"), ("training", "sample_data")}
"""Rooms that could look down at another one and have no business there."""

QT_AND_NAPARI = {"qtpy", "PyQt5", "PyQt6", "PySide2", "PySide6", "superqt", "magicgui", "napari"}

MOST_FILES, MOST_LINES, MOST_LINES_OF_HALF = 220, 400, 120

NAMED_TWICE = {
    "Cluster",
    "Frame",
    "Job",
    "Ledger",
    "Look",
    "Picture",
    "Plane",
    "Point",
    "Reference",
    "Session",
    "Task",
}
"""Names that two public classes bear still; each is to get one of its own, and none is to come."""

CIRCLES_TO_OPEN: dict[frozenset[str], str] = {}
"""Circles that are known and will go; each with what opens it."""


def module_of(path: Path) -> str:
    """Return a file's module without the package's own name; that of ``__init__`` is its folder."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imported_by(path: Path) -> set[str]:
    """Return all dotted names that a file imports: in functions and for types alone too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ["napari_colorize", *path.relative_to(PACKAGE).parent.parts]
            base = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*base, node.module] if node.module else base)
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return found


def own(name: str) -> str | None:
    """Return which module of the package a dotted name is, or is out of."""
    first, _, rest = name.partition(".")
    if first != "napari_colorize":
        return None
    while rest and rest not in FILES:
        rest = rest.rpartition(".")[0]
    return rest


IMPORTS = {module: imported_by(path) for module, path in FILES.items()}
ARROWS = {
    module: {target for name in names if (target := own(name)) is not None} - {module}
    for module, names in IMPORTS.items()
}
"""Module → the modules of the package that it imports; the package itself is called ``""``."""


def room_of(module: str) -> str:
    return module.partition(".")[0]


def reached_from(module: str) -> set[str]:
    found: set[str] = set()
    waiting = list(ARROWS[module])
    while waiting:
        target = waiting.pop()
        if target not in found:
            found.add(target)
            waiting += ARROWS[target]
    return found


def circles() -> set[frozenset[str]]:
    """Return the groups of modules that import each other, over whatever way."""
    reached = {module: reached_from(module) for module in FILES if module}
    return {
        frozenset(other for other in reached[module] if module in reached.get(other, set()))
        for module in reached
        if module in reached[module]
    }


def test_no_modules_import_each_other():
    assert circles() <= set(CIRCLES_TO_OPEN)


@pytest.mark.parametrize("circle", CIRCLES_TO_OPEN, ids=lambda circle: " ".join(sorted(circle)))
def test_circles_that_were_opened_are_off_the_list(circle):
    assert circle in circles(), f"take it off the list: {CIRCLES_TO_OPEN[circle]}"


def test_every_module_is_in_a_room_that_the_order_names():
    assert {room_of(module) for module in FILES if module} <= set(ROOMS)


def test_no_room_looks_up():
    upwards = [
        f"{module} → {target}"
        for module, targets in ARROWS.items()
        for target in targets
        if module and target and room_of(module) != room_of(target)
        if ROOMS.index(room_of(target)) > ROOMS.index(room_of(module))
        or (room_of(module), room_of(target)) in APART
    ]
    assert not upwards


def test_nobody_imports_the_package_s_own_door():
    """Its names live elsewhere; who takes them from the door takes all that the door may load."""
    assert [module for module, targets in ARROWS.items() if module and "" in targets] == []


def test_only_widgets_import_qt_or_napari():
    found = {
        module: sorted(names)
        for module, imported in IMPORTS.items()
        if room_of(module) != "widgets"
        and (names := {name.split(".")[0] for name in imported} & QT_AND_NAPARI)
    }
    assert not found


def test_nobody_imports_what_another_folder_keeps_to_itself():
    def hidden(target: str) -> bool:
        return any(part.startswith("_") for part in target.split(".")) and target != "_version"

    found = [
        f"{module} → {target}"
        for module, targets in ARROWS.items()
        for target in targets
        if hidden(target) and FILES[target].parent != FILES[module].parent
    ]
    assert not found


def test_no_other_name_is_borne_by_two_public_classes():
    named = Counter(
        node.name
        for path in FILES.values()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert {name for name, count in named.items() if count > 1} <= NAMED_TWICE


LENGTHS = {module: len(path.read_text("utf-8").splitlines()) for module, path in FILES.items()}


@pytest.mark.xfail(strict=True, reason="194 lines: fewer files made each of them longer")
def test_half_of_the_modules_fit_on_two_screens():
    assert statistics.median(LENGTHS.values()) <= MOST_LINES_OF_HALF


def test_no_module_is_longer_than_a_few_screens():
    assert {module: n for module, n in LENGTHS.items() if n > MOST_LINES} == {}


@pytest.mark.xfail(strict=True, reason="263, of which eleven came with volumes")
def test_an_idea_is_not_spread_over_many_files():
    assert len(FILES) <= MOST_FILES


def test_methods_read_no_files():
    for path in (PACKAGE / "methods").rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not calls & {"open", "torch.load", "Path", "np.load"}, str(path)


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
    with pytest.raises(AttributeError, match="No napari_colorize attribute colourise"):
        napari_colorize.colourise  # noqa: B018


@pytest.mark.parametrize(("given", "found"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_waiting_threads_leave_the_cores_to_others(given, found):
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    environment |= {} if given is None else {"OMP_WAIT_POLICY": given}
    code = (
        "import napari_colorize, os, sys; "
        "print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.split() == [found, "False"]
