"""Contact sheets to look at: the same pictures for every method, and its worst ones.

No number shows blotches, bleeding or sepia; a sheet does. The pictures are chosen by the hash of
their names, not by the order in which they come, so that sheets of different methods and days show
the same ones. They are coloured anew, at their own size, and shrunk afterwards.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.evaluation.catalogue import BY_KEY
from napari_colorize.evaluation.methods import GradedMethod
from napari_colorize.evaluation.scoring import Coloured, Truth
from napari_colorize.evaluation.sheet_layout import SheetRow, draw_sheet, pages, shrunk
from napari_colorize.files.pictures import Picture, read_pictures
from napari_colorize.storage import write_whole

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
