"""Draw pictures side by side on a contact sheet: nothing about methods or scores is known here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

    Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

TILES_ACROSS = 9
"""Tiles on a line of a sheet, about: as many rows stand side by side as come nearest to it."""

TILE = 240
"""Largest side of a picture on a sheet, px."""

GAP, HEAD, BAND, CAPTION = 6, 42, 26, 18
INK, FAINT, PAPER = (30, 30, 34), (110, 110, 116), (252, 252, 250)


@dataclass(frozen=True)
class SheetRow:
    """One picture in all its versions.

    Parameters
    ----------
    caption : str
        Stands below it.
    versions : sequence of numpy.ndarray or None
        ``(H, W)`` or ``(H, W, 3)`` uint8, one for each heading; ``None`` leaves its place empty.
    """

    caption: str
    versions: Sequence[NDArray[np.uint8] | None] = field(repr=False)


def draw_sheet(
    rows: Sequence[SheetRow],
    headings: Sequence[str],
    *,
    tile: int = TILE,
    across: int | None = None,
    footer: str = "",
) -> Image.Image:
    """Lay rows of pictures out, several rows side by side where they are short.

    Parameters
    ----------
    rows : sequence of SheetRow
        In reading order.
    headings : sequence of str
        Names of the versions; shortened where they are too long for a tile.
    tile : int
        Largest side of a picture on the sheet, px; see :func:`shrunk`.
    across : int, optional
        Rows side by side; left out: as :data:`TILES_ACROSS` says.
    footer : str
        A line at the foot.

    Returns
    -------
    PIL.Image.Image
        RGB.

    Raises
    ------
    ValueError
        There is no row, or a row has not one version for each heading.
    """
    from PIL import Image, ImageDraw, ImageFont

    if not rows:
        raise ValueError("There is no picture to put on the sheet.")
    if any(len(row.versions) != len(headings) for row in rows):
        raise ValueError(f"Every row of the sheet needs {len(headings)} versions of its picture.")
    across = min(len(rows), across or max(1, round(TILES_ACROSS / len(headings))))
    lines = [
        [[_fitted(version, tile) for version in row.versions] for row in rows[i : i + across]]
        for i in range(0, len(rows), across)
    ]
    heights = [max(v.height for row in line for v in row if v is not None) for line in lines]
    group = len(headings) * (tile + GAP) + GAP
    sheet = Image.new(
        "RGB",
        (across * group + GAP, HEAD + sum(heights) + len(lines) * (CAPTION + GAP) + BAND),
        PAPER,
    )
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for left in range(GAP, across * group, group):
        for column, heading in enumerate(headings):
            text = _on_two_lines(heading, tile, draw, font)
            middle = left + column * (tile + GAP) + tile // 2
            draw.multiline_text((middle, HEAD // 2), text, INK, font, anchor="mm", align="center")
    captions = iter(rows)
    top = HEAD
    for line, height in zip(lines, heights, strict=True):
        for number, versions in enumerate(line):
            left = GAP + number * group
            for column, picture in enumerate(versions):
                if picture is not None:
                    x = left + column * (tile + GAP) + (tile - picture.width) // 2
                    sheet.paste(picture, (x, top + (height - picture.height) // 2))
            caption = _shortened(next(captions).caption, group - 2 * GAP, draw, font)
            draw.text((left, top + height + CAPTION // 2), caption, FAINT, font, anchor="lm")
        top += height + CAPTION + GAP
    draw.text((GAP, sheet.height - BAND // 2), footer, FAINT, font, anchor="lm")
    return sheet


def pages(rows: Sequence[SheetRow], most: int) -> Iterator[Sequence[SheetRow]]:
    """Share rows out evenly over as few sheets of at most `most` as can hold them."""
    count = -(-len(rows) // most)
    for number in range(count):
        yield rows[number * len(rows) // count : (number + 1) * len(rows) // count]


def shrunk(picture: NDArray[np.uint8], tile: int = TILE) -> NDArray[np.uint8]:
    """Return an (H, W) or (H, W, 3) uint8 picture no larger than a tile: all a sheet shows of it.

    Smaller ones stay as they are: enlarged, they would look worse than they are.
    """
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(picture))
    image.thumbnail((tile, tile), Image.Resampling.LANCZOS)
    return np.asarray(image)


def _fitted(picture: NDArray[np.uint8] | None, tile: int) -> Image.Image | None:
    from PIL import Image

    return None if picture is None else Image.fromarray(shrunk(picture, tile)).convert("RGB")


def _on_two_lines(text: str, width: int, draw: ImageDraw.ImageDraw, font: Font) -> str:
    """Break a name between words where it is too long for one line."""
    words = text.split(" ")
    count = len(words)
    while count > 1 and draw.textlength(" ".join(words[:count]), font) > width:
        count -= 1
    lines = (" ".join(words[:count]), " ".join(words[count:]))
    return "\n".join(_shortened(line, width, draw, font) for line in lines if line)


def _shortened(text: str, width: int, draw: ImageDraw.ImageDraw, font: Font) -> str:
    if draw.textlength(text, font) <= width:
        return text
    while text and draw.textlength(text + "…", font) > width:
        text = text[:-1]
    return text.rstrip() + "…"
