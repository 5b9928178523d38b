"""Library, command line and stacks work on a cluster's node: no Qt, no napari, no display."""

import json
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import tifffile
from PIL import Image

BLOCKED = """
    import sys

    class Absent:
        NAMES = {"qtpy", "PyQt5", "PyQt6", "PySide2", "PySide6", "superqt", "magicgui", "napari",
                 "vispy", "app_model", "psygnal"}

        def find_spec(self, name, path=None, target=None):
            if name.split(".")[0] in self.NAMES:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    sys.meta_path.insert(0, Absent())
"""


@pytest.fixture
def alone(tmp_path):
    """Return a function that runs code in a Python that has neither Qt nor napari."""

    def run(*parts):
        environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "QT_API")}
        done = subprocess.run(
            [sys.executable, "-c", "".join(map(textwrap.dedent, (BLOCKED, *parts)))],
            env=environment | {"NAPARI_COLORIZE_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            timeout=240,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


EVERY_MODULE = """
    import importlib, pkgutil
    import napari_colorize

    for module in pkgutil.walk_packages(napari_colorize.__path__, "napari_colorize."):
        name = module.name
        if name.startswith("napari_colorize.widgets") or name.endswith(("_C", "__main__")):
            continue
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            missing = (error.name or "").split(".")[0]
            assert missing not in Absent.NAMES, (name, str(error))
"""


def test_everything_but_the_panels_is_imported_and_colours_without_qt_and_napari(alone, tmp_path):
    """In one process: importing torch and all modules is what takes long."""
    grey = np.random.default_rng(0).integers(0, 4000, (2, 40, 48), np.uint16)
    tifffile.imwrite(tmp_path / "stack.tif", grey, photometric="minisblack")
    Image.fromarray((grey[0] // 16).astype(np.uint8)).save(tmp_path / "cells.png")
    colours = """
        import json
        import numpy as np
        import napari_colorize
        from napari_colorize import files
        from napari_colorize.cli import app
        from click.testing import CliRunner

        try:
            import napari
        except ModuleNotFoundError:
            pass
        else:
            raise AssertionError("napari can be imported; nothing is tested")
        grey = files.read("cells.png")[0].pixels
        one = napari_colorize.colorize(grey, network_size=64)
        stack = napari_colorize.colorize_stack(np.stack([grey] * 3), network_size=64)
        done = CliRunner().invoke(
            app, ["colorize", "cells.png", "stack.tif", "-o", "out", "--network-size", "64"]
        )
        assert done.exit_code == 0, done.output
        page = CliRunner().invoke(app, ["models", "list"])
        assert page.exit_code == 0, page.output
        print(json.dumps([one.rgb.shape, stack.rgb.shape]))
    """
    assert json.loads(alone(colours, EVERY_MODULE).splitlines()[-1]) == [
        [40, 48, 3],
        [3, 40, 48, 3],
    ]
    assert tifffile.imread(tmp_path / "out" / "stack_colorized.tif").shape == (2, 40, 48, 3)
    with Image.open(tmp_path / "out" / "cells_colorized.png") as picture:
        assert picture.size == (48, 40)
