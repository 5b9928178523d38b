"""Make the moving pictures on the front page: ``python docs/make_animation.py``.

In a real napari window, a 16-bit stack (a view that glides over the sample *Camera*) is previewed
while vividness moves, coloured whole, and leafed through. Saves ``docs/images/tour.webp``. In
another the panel Guide colours a cup by strokes (``docs/images/guide.webp``). ``--only guide``
makes one of them.
Without a screen it starts a virtual one, which needs Xvfb and Mesa:
``apt install xvfb libgl1-mesa-dri``.
"""

import argparse
import io
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from make_screenshots import (
    IMAGES,
    STROKES,
    choose_colour,
    colour,
    open_guide,
    open_panel,
    paint,
    run_on_virtual_screen,
    settle,
    wait_for_picture,
)
from PIL import Image

WINDOW = (1180, 760)
SHOWN_WIDTH = 900
PLANES = 8
GLIDE = 16
"""Pixels that the view moves from plane to plane."""


class Film:
    """Pictures of a napari window, each with the time it stands."""

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._frames: list[Image.Image] = []
        self._milliseconds: list[int] = []

    def take(self, milliseconds: int) -> None:
        """Add what the window looks like now."""
        settle()
        pixels = self._viewer.screenshot(canvas_only=False, flash=False)
        picture = Image.fromarray(pixels).convert("RGB")
        height = round(picture.height * SHOWN_WIDTH / picture.width)
        self._frames.append(picture.resize((SHOWN_WIDTH, height), Image.Resampling.LANCZOS))
        self._milliseconds.append(milliseconds)

    def save(self, path: Path) -> None:
        """Write the film, whole or not at all."""
        content = io.BytesIO()
        first, *rest = self._frames
        first.save(
            content,
            "WEBP",
            save_all=True,
            append_images=rest,
            duration=self._milliseconds,
            loop=0,
            quality=70,
            method=6,
        )
        beside = path.with_suffix(".part")
        beside.write_bytes(content.getvalue())
        os.replace(beside, path)


def main() -> int:
    """Make the film; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=IMAGES, help="folder for the film")
    parser.add_argument("--only", choices=("tour", "guide"), help="make this one alone")
    options = parser.parse_args()
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        return run_on_virtual_screen()
    options.out.mkdir(parents=True, exist_ok=True)
    scenes = {"tour": make_film, "guide": make_guide_film}
    for name in [options.only] if options.only else scenes:
        path = options.out / f"{name}.webp"
        try:
            scenes[name]().save(path)
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return 1
        print(path)
    return 0


def make_guide_film() -> Film:
    """Paint the cup red, hold the table, take the last stroke back and keep the result.

    Raises
    ------
    RuntimeError
        The colouring failed; the panel's sentence says why.
    """
    viewer, panel = open_guide("coffee", size=WINDOW)
    film = Film(viewer)
    film.take(900)
    for name, strokes in STROKES["coffee"]:
        choose_colour(panel, name)
        for number, (begin, end) in enumerate(strokes):
            paint(panel, begin, end, partial(film.take, 140) if number == 0 else None)
            wait_for_picture(panel)
            film.take(600)
    panel.session.labels.undo()
    wait_for_picture(panel)
    film.take(700)
    panel.session.labels.redo()
    wait_for_picture(panel)
    panel.tools.hide_strokes()
    film.take(1200)
    panel.tools.before_and_after()
    film.take(900)
    panel.tools.before_and_after()
    film.take(2000)
    viewer.close()
    return film


def make_film() -> Film:
    """Play the scene of a stack.

    Raises
    ------
    RuntimeError
        The run failed; the panel's sentence says why, for example that no weights are installed.
    """
    viewer, panel = open_panel(size=WINDOW)
    viewer.add_image(gliding_stack(), name="camera", axis_labels=("z", "y", "x"))
    panel.choose(viewer.layers["camera"])
    viewer.reset_view()
    film = Film(viewer)
    film.take(1200)
    panel.ui.preview.setChecked(True)
    show_preview(panel, film, 900)
    move_vividness(panel, film)
    panel.ui.planes.setCurrentIndex(panel.ui.planes.count() - 1)
    film.take(500)
    colour(panel)
    panel.ui.preview.setChecked(False)
    for plane in [*range(PLANES // 2, PLANES), *reversed(range(PLANES))]:
        viewer.dims.set_current_step(0, plane)
        film.take(220)
    viewer.close()
    return film


def gliding_stack() -> np.ndarray:
    """Return (8, 480, 400) uint16: a view that glides over the camera man."""
    from napari_colorize import sample_data

    [(picture, _, _)] = sample_data.camera()
    height, width = 480, 400
    views = [picture[:height, GLIDE * z : GLIDE * z + width] for z in range(PLANES)]
    return np.stack(views).astype(np.uint16) * 16


def move_vividness(panel: Any, film: Film) -> None:
    """Move the slider to full vividness and back to where colours are right."""
    for percent in (50, 60, 70, 80, 90, 100, 90, 80, 70, 60):
        panel.ui.form.vividness.slider.setValue(percent / 100)
        show_preview(panel, film, 250)


def show_preview(panel: Any, film: Film, milliseconds: int) -> None:
    """Wait for the preview under way, then take a picture."""
    settle()
    while panel.live.busy:
        settle()
    film.take(milliseconds)


if __name__ == "__main__":
    sys.exit(main())
