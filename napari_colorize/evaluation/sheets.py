"""Contact sheets to look at: the same pictures for every method, and its worst ones.

No number shows blotches, bleeding or sepia; a sheet does. The pictures are chosen by the hash of
their names, not by the order in which they come, so that sheets of different methods and days show
the same ones. They are coloured anew, at their own size, and shrunk afterwards. How a sheet is laid
out (`draw_sheet`) knows nothing about methods or scores.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.evaluation.catalogue import BY_KEY
from napari_colorize.evaluation.methods import GradedMethod
from napari_colorize.evaluation.scoring import Coloured, Truth
from napari_colorize.files.pictures import Picture, read_pictures
from napari_colorize.storage import write_whole

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


ON_A_SHEET = 24
"""Pictures on one sheet at the most; more fill several."""

IN_COLOUR = (
    *("astronaut", "cat", "coffee", "rocket", "hubble_deep_field", "retina"),
    *("immunohistochemistry",),
)
GREY = ("camera", "coins", "moon", "clock", "brick", "grass", "gravel", "page", "cell")
"""Pictures inside scikit-image's wheel, with true colours and without; nothing is downloaded."""

_FOOTER = "Predicted colour is plausible, never measured."


def fixed_choice(names: Iterable[str], count: int) -> list[str]:
    """Choose `count` names by the hash of the name, so that the choice stays when others come.

    Parameters
    ----------
    names : iterable of str
        Of pictures, in any order.
    count : int
        How many; all, where there are fewer.

    Returns
    -------
    list of str
        In alphabetical order.
    """
    ranked = sorted(set(names), key=lambda name: hashlib.sha256(name.encode()).digest())
    return sorted(ranked[:count])


def worst_first(scores: Mapping[str, Any], *, by: str = "rmse_ab") -> list[tuple[str, float]]:
    """Return (name, score as shown) of the pictures of a report, the subject's worst first.

    Parameters
    ----------
    scores : mapping
        What :func:`~napari_colorize.evaluation.summary.summarise` returned.
    by : str
        Key of a score that has a better and a worse end.
    """
    score = BY_KEY[by]
    subject = next(iter(scores["methods"].values()))
    graded = [
        (name, float(score.finished(value)) * score.factor)
        for name, value in zip(
            scores["pictures"]["name"], subject["per_picture"][by]["value"], strict=True
        )
        if value is not None
    ]
    return sorted(graded, key=lambda pair: pair[1], reverse=score.better == "lower")


def write_sheets(
    folder: str | Path,
    methods: Sequence[GradedMethod],
    images: Sequence[str | Path],
    count: int,
    *,
    scores: Mapping[str, Any] | None = None,
    tick: Callable[[], object] = lambda: None,
) -> list[Path]:
    """Write ``sheet-1.png`` …, ``sheet-worst.png`` and ``sheet-scikit-image.png``.

    Parameters
    ----------
    folder : str or path
        Where they go; it exists.
    methods : sequence of GradedMethod
        Shown side by side between grey and truth.
    images : sequence of str or path
        Folders, tars, pictures.
    count : int
        Pictures chosen of them by :func:`fixed_choice`, at most 24 on a sheet.
    scores : mapping, optional
        A report on the same pictures: its subject's worst are put on a sheet of their own.
    tick : callable
        Called after each picture.

    Returns
    -------
    list of Path
        The files.
    """
    unreadable = set(scores["pictures"].get("unreadable", ())) if scores is not None else set()
    names = (p.name for p in read_pictures(*images) if p.name not in unreadable)
    chosen = fixed_choice(names, count)
    worst: dict[str, str] = {}
    if scores is not None:
        title = BY_KEY["rmse_ab"].title
        listed = worst_first(scores)[: min(count, ON_A_SHEET)]
        worst = {name: f"{name}   {title} {value:.1f}" for name, value in listed}
    by_name = {p.name: p for p in read_pictures(*images) if p.name in chosen or p.name in worst}
    shelf = _Shelf(methods, tick)

    sheets = {
        f"sheet-{number}": rows
        for number, rows in enumerate(
            pages([shelf.row(by_name[n], n) for n in chosen], ON_A_SHEET), 1
        )
    }
    if worst:
        sheets["sheet-worst"] = [shelf.row(by_name[name], said) for name, said in worst.items()]
    sheets["sheet-scikit-image"] = [
        shelf.coloured(name, grey, truth) for name, grey, truth in pictures_of_scikit_image()
    ]
    headings = ["grey", *(method.name for method in methods), "truth"]
    written = []
    for name, rows in sheets.items():
        path = Path(folder) / f"{name}.png"
        write_png(path, draw_sheet(rows, headings, footer=_FOOTER))
        written.append(path)
    return written


def pictures_of_scikit_image() -> Iterator[tuple[str, NDArray[np.uint8], NDArray[np.uint8] | None]]:
    """Yield name, grey picture and truth (``None`` where there is none) of scikit-image's own."""
    import skimage.data

    for name in IN_COLOUR:
        truth = Truth(getattr(skimage.data, name)())
        yield name, truth.grey, truth.rgb
    for name in GREY:
        yield f"{name} (a grey original)", getattr(skimage.data, name)(), None


def write_png(path: Path, image: Any) -> None:
    """Write a sheet whole or not at all."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    write_whole(path, buffer.getvalue())


class _Shelf:
    """Rows by picture; one that stands on two sheets is coloured once.

    They are kept as small as the sheet shows them: forty-eight of a camera's would fill the memory.
    """

    def __init__(self, methods: Sequence[GradedMethod], tick: Callable[[], object]) -> None:
        self.methods = methods
        self.tick = tick
        self.versions: dict[str, SheetRow] = {}

    def row(self, picture: Picture, caption: str) -> SheetRow:
        known = self.versions.get(picture.name)
        if known is None:
            truth = Truth(picture.read())
            known = self.versions[picture.name] = self.coloured(picture.name, truth.grey, truth.rgb)
        return SheetRow(caption, known.versions)

    def coloured(
        self, caption: str, grey: NDArray[np.uint8], truth: NDArray[np.uint8] | None
    ) -> SheetRow:
        ours = [Coloured.of(method.colour(grey.copy()), grey.shape).rgb for method in self.methods]
        self.tick()
        seen = [grey, *ours, *([] if truth is None else [truth])]
        return SheetRow(caption, [*map(shrunk, seen), *([None] if truth is None else [])])
