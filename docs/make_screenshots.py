"""Make the pictures of the napari panel that the docs show: ``python docs/make_screenshots.py``.

Opens a real napari window with the panel docked, colours a sample with the installed weights, and
saves ``docs/images/panel.png`` (the window) and ``docs/images/panel_advanced.png`` (the panel
with its numbers unfolded), a z-stack with both maps (``panel_stack.png``), and a part of a
section that was in view (``panel_view.png``). Then it sits
down to a Turing test of the same weights and saves
``docs/images/panel_turing.png``, compares a recoloured photograph with the photograph
(``panel_evaluate.png``), learns from half a slide (``panel_train.png``), lists the weights
(``panel_models.png``) and opens the plugin's page in napari's preferences (``preferences.png``)
and its menu (``menu.png``). In the panel Guide it paints the coffee cup red and the cameraman's
coat blue, in both themes (``panel_guide.png``, ``panel_guide_light.png``). ``--only guide`` makes
one of them. Without a screen it starts a
virtual one, which needs Xvfb and Mesa: ``apt install xvfb libgl1-mesa-dri``.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import napari

IMAGES = Path(__file__).parent / "images"
SAMPLES = ("astronaut", "camera", "cat", "coffee", "immunohistochemistry", "rocket")
WINDOW = (1500, 780)
PATIENCE_MS = 120_000


def main() -> int:
    """Make the pictures; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sample", choices=SAMPLES, default="astronaut")
    parser.add_argument("--out", type=Path, default=IMAGES, help="folder for the pictures")
    parser.add_argument("--turing-method", default="colorful", help="method of the Turing test")
    known: dict[str, Callable[[Path], list[Path]]] = {
        "panel": lambda out: make_pictures(options.sample, out),
        "stack": make_stack_picture,
        "view": make_view_picture,
        "guide": make_guide_pictures,
        "turing": lambda out: make_turing_picture(out, options.turing_method),
        "evaluate": make_evaluate_picture,
        "train": make_train_picture,
        "models": make_models_picture,
        "preferences": make_preferences_picture,
        "menu": make_menu_picture,
    }
    parser.add_argument("--only", choices=known, action="append", help="make these alone")
    options = parser.parse_args()
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        return run_on_virtual_screen()
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        paths = [path for name in options.only or known for path in known[name](options.out)]
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    print(*paths, sep="\n")
    return 0


def run_on_virtual_screen() -> int:
    """Run this script again under Xvfb, with Qt on X11; return its exit status."""
    xvfb_run = shutil.which("xvfb-run")
    if xvfb_run is None:
        print("There is no screen. Install a virtual one: apt install xvfb libgl1-mesa-dri")
        return 1
    screen = ["-a", "-s", "-screen 0 1920x1200x24"]
    environment = {**os.environ, "QT_QPA_PLATFORM": "xcb"}
    done = subprocess.run([xvfb_run, *screen, sys.executable, *sys.argv], env=environment)
    return done.returncode


def make_pictures(sample: str, folder: Path) -> list[Path]:
    """Colour a sample in a real window and save what it looks like.

    Raises
    ------
    RuntimeError
        The run failed; the panel's sentence says why, for example that no weights are installed.
    """
    from napari_colorize import sample_data

    viewer, panel = open_panel()
    [(picture, settings, _)] = getattr(sample_data, sample)()
    panel.choose(viewer.add_image(picture, **settings))
    colour(panel)
    show_in_grid(viewer, 1, 2)

    window_picture = folder / "panel.png"
    viewer.screenshot(str(window_picture), canvas_only=False, flash=False)
    panel.ui.form.numbers.expand(animate=False)
    settle()
    advanced_picture = folder / "panel_advanced.png"
    panel.grab().save(str(advanced_picture))
    viewer.close()
    return [window_picture, advanced_picture]


def make_stack_picture(folder: Path) -> list[Path]:
    """Colour a z-stack of 16 bits with both maps; save the window, scale bar and all.

    Raises
    ------
    RuntimeError
        The run failed; the panel's sentence says why.
    """
    from make_stacks import cells

    viewer, panel = open_panel()
    stack, _ = cells()
    layer = viewer.add_image(
        stack, name="cells", scale=(0.5, 0.26, 0.26), units=("um",) * 3, axis_labels=tuple("zyx")
    )
    viewer.scale_bar.visible = True
    panel.choose(layer)
    panel.ui.planes.setCurrentIndex(panel.ui.planes.findData(True))
    panel.ui.uncertainty.setChecked(True)
    panel.ui.clipped.setChecked(True)
    colour(panel)
    show_in_grid(viewer, 2, 2)
    picture = folder / "panel_stack.png"
    viewer.screenshot(str(picture), canvas_only=False, flash=False)
    viewer.close()
    return [picture]


def make_view_picture(folder: Path, sample: str = "immunohistochemistry") -> list[Path]:
    """Zoom into a picture, colour what is in view and zoom out again; save the window.

    Raises
    ------
    RuntimeError
        The run failed; the panel's sentence says why.
    """
    from napari_colorize import sample_data

    viewer, panel = open_panel()
    [(grey, settings, _)] = getattr(sample_data, sample)()
    panel.choose(viewer.add_image(grey, **settings))
    settle()
    fitted = viewer.camera.zoom
    viewer.camera.zoom = 2.2 * fitted
    settle()
    panel.ui.view.setChecked(True)
    colour(panel)
    viewer.camera.zoom = 0.9 * fitted
    settle()
    picture = folder / "panel_view.png"
    viewer.screenshot(str(picture), canvas_only=False, flash=False)
    viewer.close()
    return [picture]


STROKES = {
    "coffee": (
        ("#a03020", [((222, 180), (262, 260)), ((150, 125), (280, 105))]),
        (
            "as predicted",
            [((40, 480), (70, 580)), ((110, 240), (110, 330)), ((368, 520), (380, 590))],
        ),
    ),
    "camera": (
        ("#1f3a8f", [((170, 120), (330, 90)), ((235, 140), (300, 170))]),
        (
            "as predicted",
            [((40, 30), (40, 420)), ((420, 330), (440, 480)), ((400, 170), (460, 250))],
        ),
    ),
}
"""Of each sample: colours, and from where to where each of their strokes goes."""


def make_guide_pictures(folder: Path) -> list[Path]:
    """Make the coffee cup red and the cameraman's coat blue by hand; save the windows.

    Raises
    ------
    RuntimeError
        The colouring failed; the panel's sentence says why.
    """
    paths = []
    for sample, theme, name in (
        ("coffee", "dark", "panel_guide.png"),
        ("camera", "light", "panel_guide_light.png"),
    ):
        viewer, panel = open_guide(sample, theme)
        for colour, strokes in STROKES[sample]:
            choose_colour(panel, colour)
            for begin, end in strokes:
                paint(panel, begin, end)
        wait_for_picture(panel)
        paths.append(folder / name)
        viewer.screenshot(str(paths[-1]), canvas_only=False, flash=False)
        viewer.close()
    return paths


def open_guide(
    sample: str, theme: str = "dark", size: tuple[int, int] = WINDOW
) -> tuple["napari.Viewer", Any]:
    """Open a sample in a window of this theme, with the panel Guide started on it."""
    from napari_colorize import sample_data
    from napari_colorize.widgets.guide.panel import PANEL

    viewer, panel = open_panel(PANEL, size)
    viewer.theme = theme
    [(picture, settings, _)] = getattr(sample_data, sample)()
    panel.choose(viewer.add_image(picture, **settings))
    settle()  # the canvas has its size only then
    viewer.reset_view()
    panel.start()
    wait_for_picture(panel)
    return viewer, panel


def choose_colour(panel: Any, colour: str) -> None:
    """Paint with a colour from now on; the first one takes the place of the colour at the start."""
    table = panel.session.table
    if len(table) == 1 and not panel.session.labels.data.any():
        panel.change_colour(next(iter(table)), colour)
    else:
        panel.add_colour(colour)


def paint(panel: Any, begin: tuple[int, int], end: tuple[int, int], moved: Any = None) -> None:
    """Paint a stroke as a hand does: pressed, moved in steps, let go."""
    import numpy as np

    labels = panel.session.labels
    steps = np.linspace(begin, end, 8)
    with labels.block_history():
        for one, other in pairwise(steps):
            labels._draw(labels.selected_label, tuple(one), tuple(other))
            settle(30)
            if moved is not None:
                moved()


def wait_for_picture(panel: Any) -> None:
    """Let Qt run until the picture shows what is painted.

    Raises
    ------
    RuntimeError
        It cannot be made; the panel's sentence says why.
    """
    settle()
    for _ in range(PATIENCE_MS // 100):
        if not panel.live.busy and panel.shown is not None:
            settle()
            return
        settle(100)
    raise RuntimeError(panel.ui.status.text())


def make_turing_picture(folder: Path, method: str = "colorful") -> list[Path]:
    """Show a pair of the Turing test in its panel and save what it looks like.

    Raises
    ------
    RuntimeError
        The pairs could not be made; the panel's sentence says why.
    """
    from qtpy.QtWidgets import QApplication

    from napari_colorize.widgets.turing.panel import PANEL

    viewer, panel = open_panel(PANEL)
    with tempfile.TemporaryDirectory() as place:
        fill_turing_form(panel.ui.form, Path(place), method)
        panel.run()
        while panel.task.busy:
            settle()
        if panel.conductor is None:
            raise RuntimeError(panel.ui.status.text())
        panel.conductor.go_on()
        while panel.ui.view.phase.value != "shown":
            QApplication.processEvents()
        settle()
        picture = folder / "panel_turing.png"
        panel.grab().save(str(picture))
        panel.quit()
    viewer.close()
    return [picture]


def make_evaluate_picture(folder: Path) -> list[Path]:
    """Compare a photograph with what is made of its grey version; save the window.

    Raises
    ------
    RuntimeError
        The colouring or the comparison failed; the sentence says why.
    """
    from skimage import data

    from napari_colorize import colorize
    from napari_colorize.evaluation.colour import grey_of
    from napari_colorize.widgets.evaluate.panel import PANEL

    photograph = data.coffee()
    viewer, panel = open_panel(PANEL)
    truth = viewer.add_image(photograph, name="Coffee")
    result = colorize(grey_of(photograph), source="Coffee")
    guess = viewer.add_image(result.rgb, name="predicted colour of Coffee (colorful)")
    panel.choose(guess, truth)
    panel.run()
    while panel.task.busy:
        settle()
    if panel.comparison is None:
        raise RuntimeError(panel.ui.status.text())
    show_in_grid(viewer, 2, 2)
    picture = folder / "panel_evaluate.png"
    viewer.screenshot(str(picture), canvas_only=False, flash=False)
    viewer.close()
    return [picture]


def make_train_picture(folder: Path) -> list[Path]:
    """Learn from one half of a stained slide, and colour the other; save the window.

    Raises
    ------
    RuntimeError
        The training failed; the panel's sentence says why.
    """
    from skimage import data

    from napari_colorize.widgets.train.panel import PANEL

    slide = data.immunohistochemistry()
    half = slide.shape[1] // 2
    with tempfile.TemporaryDirectory() as home, patched_home(home):
        viewer, panel = open_panel(PANEL, (WINDOW[0], 860))  # its column is long
        viewer.add_image(slide[:, :half], name="Stained half")
        viewer.add_image(slide[:, half:].mean(-1).astype("uint8"), name="Other half, grey")
        panel.ui.form.name.setText("brown-and-blue")
        panel.run()
        while panel.task.busy:
            settle()
        if panel.taught is None:
            raise RuntimeError(panel.ui.status.text())
        show_in_grid(viewer, 1, 2)
        picture = folder / "panel_train.png"
        viewer.screenshot(str(picture), canvas_only=False, flash=False)
        viewer.close()
    return [picture]


@contextlib.contextmanager
def patched_home(home: str) -> Iterator[None]:
    """Let weights that are trained for a picture go to a home that goes away."""
    from napari_colorize.checkpoints.home import HOME_VARIABLE

    before = os.environ.get(HOME_VARIABLE)
    os.environ[HOME_VARIABLE] = home
    try:
        yield
    finally:
        del os.environ[HOME_VARIABLE]
        if before is not None:
            os.environ[HOME_VARIABLE] = before


def make_models_picture(folder: Path) -> list[Path]:
    """Show the list of weights and a card; save the panel."""
    from napari_colorize.widgets.models.panel import PANEL

    viewer, panel = open_panel(PANEL)
    dock, _ = viewer.window.add_plugin_dock_widget("napari-colorize", PANEL)  # the one there is
    dock.setFloating(True)
    dock.resize(640, 900)
    panel.ui.models.choose("colorful")
    settle()
    picture = folder / "panel_models.png"
    panel.grab().save(str(picture))
    viewer.close()
    return [picture]


def make_preferences_picture(folder: Path) -> list[Path]:
    """Open napari's preferences at the plugin's page; save the dialog.

    Raises
    ------
    RuntimeError
        This napari has no page for the plugin.
    """
    import napari
    from napari._qt.dialogs.preferences_dialog import PreferencesDialog

    viewer = napari.Viewer()
    dialog = PreferencesDialog(parent=viewer.window._qt_window)
    titles = [dialog._list.item(row).text() for row in range(dialog._list.count())]
    if "Colorize" not in titles:
        raise RuntimeError(f"napari's preferences have no page 'Colorize', only {titles}.")
    dialog._list.setCurrentRow(titles.index("Colorize"))
    dialog.resize(900, 480)
    dialog.show()
    settle()
    picture = folder / "preferences.png"
    dialog.grab().save(str(picture))
    dialog.close()
    viewer.close()
    return [picture]


def make_menu_picture(folder: Path) -> list[Path]:
    """Open the submenu of the one-click commands beside a stack; save it.

    Raises
    ------
    RuntimeError
        This napari does not show the submenu.
    """
    import napari
    import numpy as np

    viewer = napari.Viewer()
    viewer.add_image(np.zeros((3, 64, 64), np.uint8), name="stack")
    menu: Any = viewer.window._qt_window.menuBar()
    for title in ("Layers", "Visualize", "Colorize"):
        found = [a.menu() for a in menu.actions() if a.text().replace("&", "") == title]
        if not found:
            raise RuntimeError(f"napari's menus have no entry '{title}'.")
        menu = found[0]
        menu.aboutToShow.emit()  # napari fills and enables its menus only then
    menu.popup(viewer.window._qt_window.pos())
    settle()
    picture = folder / "menu.png"
    menu.grab().save(str(picture))
    menu.close()
    viewer.close()
    return [picture]


def fill_turing_form(form: Any, place: Path, method: str) -> None:
    """Choose three photographs that come with scikit-image, cut square."""
    from PIL import Image, ImageOps
    from skimage import data

    photographs = place / "photographs"
    photographs.mkdir()
    for name in ("astronaut", "chelsea", "coffee"):
        square = ImageOps.fit(Image.fromarray(getattr(data, name)()), (300, 300))
        square.save(photographs / f"{name}.png")
    form.pictures.value = str(photographs)
    form.results.value = str(place / "results")
    form.participant.value = "1"
    form.trials.value = 3
    form.practice.value = 0
    form.seconds.value = 30
    form.method.value = method


def open_panel(
    title: str = "Colorize", size: tuple[int, int] = WINDOW
) -> tuple["napari.Viewer", Any]:
    """Open a dark window of this size without layers; return it, and one of our panels in it."""
    from napari_colorize.widgets.shared.preflight import load_torch

    load_torch()
    import napari
    from napari.settings import get_settings

    get_settings().appearance.theme = "dark"
    viewer = napari.Viewer(title="napari-colorize")
    viewer.window.resize(*size)
    return viewer, viewer.window.add_plugin_dock_widget("napari-colorize", title)[1]


def colour(panel: Any) -> None:
    """Press *Run* and wait.

    Raises
    ------
    RuntimeError
        The run failed; the panel's sentence says why, for example that no weights are installed.
    """
    panel.run()
    wait_until_idle(panel)
    if panel.record is None:
        raise RuntimeError(panel.ui.status.text())


def wait_until_idle(panel: Any) -> None:
    """Let Qt run until the panel's job is over."""
    from qtpy.QtCore import QEventLoop, QTimer

    if not panel.task.busy:  # it failed at the door
        return
    loop = QEventLoop()
    for signal in (panel.task.returned, panel.task.failed, panel.task.stopped):
        signal.connect(loop.quit)
    QTimer.singleShot(PATIENCE_MS, loop.quit)
    loop.exec()
    settle()


def show_in_grid(viewer: Any, rows: int, columns: int) -> None:
    """Show the layers beside each other."""
    grid = viewer.canvas.grid
    grid.enabled, grid.shape, grid.stride = True, (rows, columns), 1
    settle()
    viewer.reset_view()
    settle()


def settle(milliseconds: int = 400) -> None:
    """Let Qt finish layouts, thumbnails and drawing."""
    from qtpy.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


if __name__ == "__main__":
    sys.exit(main())
