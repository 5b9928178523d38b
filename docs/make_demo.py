"""Colourise photographs that ship inside scikit-image and lay them out on one contact sheet.

``make demo`` runs this. Each row of the sheet shows one photograph: grey | colourised |
uncertainty | truth. The single results stand beside it, each with its record.
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

from napari_colorize import Colorized, colorize, files, ops
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
HEADINGS = ("grey", "colourised", "uncertainty", "truth")
ROW_HEIGHT, GAP, BAND = 240, 12, 34
INK, PAPER, FAINT = (30, 30, 34), (252, 252, 250), (120, 120, 126)

# Uncertainty 0 … 1 from dark to bright, in steps that are even in lightness.
SCALE = ((0.0, (13, 8, 40)), (0.35, (110, 30, 110)), (0.7, (235, 110, 60)), (1.0, (252, 250, 190)))


def uncertainty_picture(uncertainty: NDArray[np.float32]) -> Picture:
    """Paint an (H, W) map of 0…1 in the colours of `SCALE`."""
    stops = [stop for stop, _ in SCALE]
    channels = [np.interp(uncertainty, stops, [c[i] for _, c in SCALE]) for i in range(3)]
    return np.stack(channels, -1).astype(np.uint8)


def contact_sheet(rows: list[tuple[str, list[Picture | None]]], footer: str) -> Image.Image:
    """Lay out rows of pictures under `HEADINGS`; a missing picture leaves its place empty."""
    font = ImageFont.load_default(20)
    small = ImageFont.load_default(14)
    scaled = [
        (name, [_to_row_height(p) if p is not None else None for p in row]) for name, row in rows
    ]
    width_of = max(p.width for _, row in scaled for p in row if p is not None)
    columns = len(HEADINGS)
    sheet = Image.new(
        "RGB",
        (GAP + columns * (width_of + GAP), BAND + len(rows) * (ROW_HEIGHT + GAP + 20) + BAND),
        PAPER,
    )
    draw = ImageDraw.Draw(sheet)
    for column, heading in enumerate(HEADINGS):
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


def colourise_all(output: Path) -> tuple[list[tuple[str, list[Picture | None]]], float]:
    """Colourise every photograph, write the results, return the sheet's rows and the mean time."""
    rows: list[tuple[str, list[Picture | None]]] = []
    seconds = []
    colorize(np.zeros((32, 32), np.uint8))  # loads the weights and warms the graph up
    colorize(np.zeros((32, 32), np.uint8))
    for name, load, has_truth in PHOTOGRAPHS:
        original = load()
        monochrome = grey(original) if has_truth else original
        start = time.perf_counter()
        result: Colorized = colorize(monochrome, source=f"scikit-image: {name}")
        seconds.append(time.perf_counter() - start)
        files.write(output / f"{name}.png", result, overwrite=True, uncertainty=True)
        rows.append(
            (
                f"{name}, {monochrome.shape[1]} x {monochrome.shape[0]} px",
                [
                    monochrome,
                    result.rgb,
                    uncertainty_picture(result.uncertainty),
                    original if has_truth else None,
                ],
            )
        )
        print(
            f"{name:12s} {monochrome.shape[1]:4d} × {monochrome.shape[0]:<4d} {seconds[-1]:.3f} s"
        )
    return rows, float(np.mean(seconds))


def main() -> None:
    """Write the results and the sheet, and say where they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("demo"))
    parser.add_argument("--picture", type=Path, help="also save the sheet here, as JPEG")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)

    rows, seconds = colourise_all(arguments.output)
    sheet = contact_sheet(
        rows, "Predicted colour is plausible, never measured. Pictures: scikit-image."
    )
    path = arguments.output / "contact-sheet.png"
    _save(sheet, path)
    if arguments.picture:
        _save(sheet, arguments.picture)
    print(f"\n{seconds:.3f} s a picture on average, operators: {ops.backend()}")
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
