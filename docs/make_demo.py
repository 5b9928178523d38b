"""Colourise photographs that ship inside scikit-image and lay them out on one contact sheet.

``make demo`` runs this. Each row of the sheet shows one photograph: grey, coloured by the default
method, how uncertain that is, coloured by every other method whose weights are shipped, by the
default method with a few hints set by hand, truth. The single results stand beside it, each with
its record.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from napari_colorize import Colorized, Hints, checkpoints, colorize, files, ops
from napari_colorize.guided.hints import Point
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.sample_data import grey

Picture = NDArray[np.uint8]

# Name, loader, whether the file holds the true colours.
PHOTOGRAPHS: tuple[tuple[str, Callable[[], Picture], bool], ...] = (
    ("camera", skimage.data.camera, False),
    ("astronaut", skimage.data.astronaut, True),
    ("rocket", skimage.data.rocket, True),
    ("cat", skimage.data.cat, True),
    ("coffee", skimage.data.coffee, True),
)
TITLES = {
    "colorful": "Colorful (Zhang 2016)",
    "deep": "Deep (Cheng 2015)",
    "unet": "U-Net (Nazeri 2018)",
    "gan": "GAN (Nazeri 2018)",
    "pix2pix": "pix2pix (Isola 2016)",
}
KEPT = "as predicted"
# Name → row, column and colour of points; what a person would dab on in a few seconds.
HINTS: dict[str, tuple[tuple[int, int, str], ...]] = {
    "camera": (
        *((row, column, "#1c2f7a") for row, column in ((250, 100), (350, 60), (200, 130))),
        *((row, column, "#1c2f7a") for row, column in ((440, 100), (270, 170), (150, 150))),
        *((row, column, KEPT) for row, column in ((50, 80), (400, 350), (300, 450))),
        (145, 225, "#b08060"),
    ),
    "astronaut": (
        *((row, column, "#d06018") for row, column in ((330, 120), (400, 330), (480, 150))),
        *((row, column, KEPT) for row, column in ((60, 60), (130, 225))),
    ),
    "rocket": (
        *((row, column, "#203878") for row, column in ((60, 80), (120, 520), (250, 60))),
        *((row, column, KEPT) for row, column in ((330, 320),)),
    ),
    "cat": (
        *((row, column, "#b8804c") for row, column in ((60, 220), (200, 110), (225, 330))),
        *((row, column, "#a89038") for row, column in ((115, 155), (115, 195), (122, 312))),
        (203, 262, "#b05840"),
        *((row, column, KEPT) for row, column in ((60, 430), (150, 440))),
    ),
    "coffee": (
        *((row, column, "#a81818") for row, column in ((245, 330), (265, 225), (150, 110))),
        *((row, column, "#a81818") for row, column in ((310, 420), (340, 250))),
        *((row, column, "neutral") for row, column in ((110, 250), (100, 420))),
        *((row, column, KEPT) for row, column in ((60, 500), (370, 560), (300, 40), (190, 350))),
    ),
}
ROW_HEIGHT, GAP, BAND = 240, 12, 34
INK, PAPER, FAINT = (30, 30, 34), (252, 252, 250), (120, 120, 126)

# Uncertainty 0 … 1 from dark to bright, in steps that are even in lightness.
SCALE = ((0.0, (13, 8, 40)), (0.35, (110, 30, 110)), (0.7, (235, 110, 60)), (1.0, (252, 250, 190)))


def uncertainty_picture(uncertainty: NDArray[np.float32]) -> Picture:
    """Paint an (H, W) map of 0…1 in the colours of `SCALE`."""
    stops = [stop for stop, _ in SCALE]
    channels = [np.interp(uncertainty, stops, [c[i] for _, c in SCALE]) for i in range(3)]
    return np.stack(channels, -1).astype(np.uint8)


def shipped_methods() -> list[str]:
    """Return the methods that can be shown without a download, the default one first."""
    default = ColorizeParameters().method
    shipped = {record.method for record in checkpoints.available() if record.source == "shipped"}
    return [default, *(method for method in TITLES if method in shipped - {default})]


def contact_sheet(
    headings: list[str], rows: list[tuple[str, list[Picture | None]]], footer: str
) -> Image.Image:
    """Lay out rows of pictures under headings; a missing picture leaves its place empty."""
    font = ImageFont.load_default(20)
    small = ImageFont.load_default(14)
    scaled = [
        (name, [_to_row_height(p) if p is not None else None for p in row]) for name, row in rows
    ]
    width_of = max(p.width for _, row in scaled for p in row if p is not None)
    columns = len(headings)
    sheet = Image.new(
        "RGB",
        (GAP + columns * (width_of + GAP), BAND + len(rows) * (ROW_HEIGHT + GAP + 20) + BAND),
        PAPER,
    )
    draw = ImageDraw.Draw(sheet)
    for column, heading in enumerate(headings):
        centre = GAP + column * (width_of + GAP) + width_of // 2
        draw.text((centre, BAND // 2), heading, INK, font, anchor="mm")
    for number, (name, row) in enumerate(scaled):
        top = BAND + number * (ROW_HEIGHT + GAP + 20)
        for column, picture in enumerate(row):
            left = GAP + column * (width_of + GAP)
            if picture is None:
                middle = (left + width_of // 2, top + ROW_HEIGHT // 2)
                draw.text(middle, "a grey original", FAINT, small, anchor="mm")
            else:
                sheet.paste(picture, (left + (width_of - picture.width) // 2, top))
        draw.text((GAP, top + ROW_HEIGHT + 12), name, FAINT, small, anchor="lm")
    draw.text((GAP, sheet.height - BAND // 2), footer, FAINT, small, anchor="lm")
    return sheet


def _to_row_height(picture: Picture) -> Image.Image:
    image = Image.fromarray(picture).convert("RGB")
    width = round(image.width * ROW_HEIGHT / image.height)
    return image.resize((width, ROW_HEIGHT), Image.Resampling.LANCZOS)


def colourise_all(
    output: Path, methods: list[str]
) -> tuple[list[tuple[str, list[Picture | None]]], dict[str, float]]:
    """Colourise every photograph by every method, write the results.

    Returns
    -------
    rows
        Of the sheet: name, and grey, coloured, uncertainty, further methods, guided, truth.
    seconds
        Mean time of a picture, by method.
    """
    rows: list[tuple[str, list[Picture | None]]] = []
    seconds: dict[str, list[float]] = {method: [] for method in methods}
    for method in methods * 2:  # loads the weights and lets the graphs settle
        colorize(np.zeros((32, 32), np.uint8), method)
    for name, load, has_truth in PHOTOGRAPHS:
        original = load()
        monochrome = grey(original) if has_truth else original
        coloured: list[Picture | None] = []
        for number, method in enumerate(methods):
            start = time.perf_counter()
            result: Colorized = colorize(monochrome, method, source=f"scikit-image: {name}")
            seconds[method].append(time.perf_counter() - start)
            stem = name if number == 0 else f"{name}-{method}"
            files.write(output / f"{stem}.png", result, overwrite=True, uncertainty=number == 0)
            coloured.append(result.rgb)
            if number == 0:
                coloured.append(uncertainty_picture(result.uncertainty))
        hints = Hints(points=[Point(row, column, hue, 4) for row, column, hue in HINTS[name]])
        guided = colorize(monochrome, hints=hints, source=f"scikit-image: {name}")
        files.write(output / f"{name}-guided.png", guided, overwrite=True)
        coloured.append(guided.rgb)
        size = f"{monochrome.shape[1]} x {monochrome.shape[0]} px"
        rows.append((f"{name}, {size}", [monochrome, *coloured, original if has_truth else None]))
        times = ", ".join(f"{method} {seconds[method][-1]:.3f} s" for method in methods)
        print(f"{name:10s} {size:>13s}: {times}")
    return rows, {method: float(np.mean(spent)) for method, spent in seconds.items()}


def main() -> None:
    """Write the results and the sheet, and say where they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("demo"))
    parser.add_argument("--picture", type=Path, help="also save the sheet here, as JPEG")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)

    methods = shipped_methods()
    titles = [TITLES[method] for method in methods]
    rows, seconds = colourise_all(arguments.output, methods)
    sheet = contact_sheet(
        ["grey", titles[0], "its uncertainty", *titles[1:], "guided by hand", "truth"],
        rows,
        "Predicted colour is plausible, never measured. Pictures: scikit-image.",
    )
    path = arguments.output / "contact-sheet.png"
    _save(sheet, path)
    if arguments.picture:
        _save(sheet, arguments.picture)
    means = ", ".join(f"{method} {mean:.3f} s" for method, mean in seconds.items())
    print(f"\na picture on average: {means}; operators: {ops.backend()}")
    print(f"single results and their records: {arguments.output.resolve()}")
    print(f"contact sheet: {path.resolve()}")


def _save(sheet: Image.Image, path: Path) -> None:
    """Write beside, then rename."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        draft = Path(folder) / path.name
        sheet.save(draft, quality=88)
        shutil.move(draft, path)


if __name__ == "__main__":
    main()
