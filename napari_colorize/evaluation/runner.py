"""Grade methods on a collection of pictures: colour, score, remember, go on.

The pictures are the outer loop, so that what is worked out of the truth serves every method. What
has been graded stands in a ledger, one small file a picture and method, so nothing is done twice: a
run that is killed goes on where it stopped. A file is written beside and renamed, so it is there
whole or not at all; a folder is named after everything its results depend on, so a changed setting
starts a new one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from napari_colorize.evaluation import features as pretrained
from napari_colorize.evaluation.baselines import grey
from napari_colorize.evaluation.judges import Judge, judged
from napari_colorize.evaluation.methods import GradedMethod
from napari_colorize.evaluation.scoring import Coloured, ScoringOptions, Truth, score_picture
from napari_colorize.files.decoding import UnreadablePicture
from napari_colorize.files.pictures import Picture, read_pictures
from napari_colorize.storage import write_whole

THUMBNAIL = 192
"""Long side of the small pictures kept for contact sheets, in pixels."""


class Ledger:
    """Results of one method under one set of options.

    Parameters
    ----------
    folder : path
        Where the report is made; the ledger lies in ``ledger/`` inside.
    depends_on : mapping
        Everything that the results depend on besides the pictures, JSON-able.
    """

    def __init__(self, folder: str | Path, depends_on: Mapping[str, Any]) -> None:
        body = json.dumps(depends_on, sort_keys=True)
        self.folder = Path(folder) / "ledger" / hashlib.sha256(body.encode()).hexdigest()[:16]

    def open(self) -> None:
        """Make the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)

    def read(self, sha256: str) -> dict[str, Any] | None:
        """Return what is known of a picture, or ``None``."""
        try:
            return json.loads(self._path(sha256, ".json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise ValueError(
                f"{self._path(sha256, '.json')} is damaged; delete it and run again."
            ) from error

    def write(self, sha256: str, row: Mapping[str, Any], rgb: np.ndarray | None = None) -> None:
        """Store a picture's result, and a small copy of the picture for contact sheets."""
        if rgb is not None:
            write_whole(self._path(sha256, ".jpg"), _thumbnail(rgb))
        write_whole(self._path(sha256, ".json"), json.dumps(row))

    def thumbnail(self, sha256: str) -> bytes:
        """Return the small copy, JPEG."""
        return self._path(sha256, ".jpg").read_bytes()

    def _path(self, sha256: str, suffix: str) -> Path:
        return self.folder / f"{sha256[:24]}{suffix}"


def _thumbnail(rgb: np.ndarray) -> bytes:
    import io

    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(rgb))
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


@dataclass(frozen=True)
class Grading:
    """What is graded, on what, and how.

    Parameters
    ----------
    methods : sequence of GradedMethod
        The first one is the report's subject: contact sheets are ordered by it.
    images : sequence of str or path
        Folders, tars, pictures.
    options : ScoringOptions
        Tolerance and prior.
    judge : Judge, optional
        For semantic interpretability; only pictures with a class are shown to it.
    features : PretrainedFeatures, optional
        For the feature and Fréchet distances, which are slow.
    labels : mapping, optional
        Picture name → WordNet id, beside what the names themselves say.
    limit : int, optional
        Grade only this many pictures, evenly spread over the collection.
    """

    methods: Sequence[GradedMethod]
    images: Sequence[str | Path]
    options: ScoringOptions = field(default_factory=ScoringOptions)
    judge: Judge | None = None
    features: pretrained.PretrainedFeatures | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    limit: int | None = None

    def __post_init__(self) -> None:
        """Refuse what could not be told apart."""
        names = [method.name for method in self.methods]
        twice = sorted({name for name in names if names.count(name) > 1})
        if not names:
            raise ValueError("There is no method to grade; name at least one.")
        if twice:
            raise ValueError(f"Two methods are called {', '.join(twice)}; give each its own name.")
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit is {self.limit}; grade at least one picture.")

    def label_of(self, picture: Picture) -> str | None:
        """Return a picture's WordNet id: from the labels, else from its name, else ``None``."""
        for name in (picture.name, picture.name.rsplit("/", 1)[-1]):
            if name in self.labels:
                return self.labels[name]
        return picture.wnid

    def settings(self) -> dict[str, Any]:
        """Return what every result depends on."""
        return {
            **self.options.to_dict(),
            "judge": self.judge.name if self.judge else None,
            "features": self.features.name if self.features else None,
        }


@dataclass(frozen=True)
class Graded:
    """The results of a run, one row for each picture, in the pictures' order.

    Parameters
    ----------
    pictures : list of dict
        ``name``, ``sha256``, ``wnid``, and what the truth itself scores (``reference``).
    rows : dict
        Method name → one row a picture, see ``scoring.score_picture``.
    ledgers : dict
        Method name → its ledger; ``""`` → that of the truth.
    """

    pictures: list[dict[str, Any]]
    rows: dict[str, list[dict[str, Any]]]
    ledgers: dict[str, Ledger]
    unreadable: list[str] = field(default_factory=list)
    """Names of the pictures that could not be decoded, and were left out."""


def grade(
    grading: Grading, folder: str | Path, *, tick: Callable[[int, int], object] = lambda *_: None
) -> Graded:
    """Grade every method on every picture, using what an earlier run left in the folder.

    Parameters
    ----------
    grading : Grading
        What to do.
    folder : str or path
        Where the ledger lies.
    tick : callable
        Told (pictures done, pictures in all) after each picture.

    Returns
    -------
    Graded

    Raises
    ------
    ValueError
        No picture can be decoded, or a method broke its promise; the sentence names both. What was
        graded before stays in the ledger.
    """
    ledgers = _ledgers(grading, folder)
    for ledger in ledgers.values():
        ledger.open()
    pictures: list[dict[str, Any]] = []
    rows: dict[str, list[dict[str, Any]]] = {method.name: [] for method in grading.methods}
    chosen = _chosen(grading)
    total = sum(chosen)
    source = (p for p, wanted in zip(read_pictures(*grading.images), chosen, strict=True) if wanted)
    unreadable: list[str] = []
    for picture in source:
        try:
            entry, by_method = _grade_picture(picture, grading, ledgers)
        except UnreadablePicture:
            unreadable.append(picture.name)
            tick(len(pictures) + len(unreadable), total)
            continue
        pictures.append(entry)
        for name, row in by_method.items():
            rows[name].append(row)
        tick(len(pictures) + len(unreadable), total)
    if not pictures:
        raise ValueError(
            f"None of the {total} pictures can be decoded, beginning with {unreadable[0]}; check "
            "where they came from."
        )
    return Graded(pictures, rows, ledgers, unreadable)


def _chosen(grading: Grading) -> list[bool]:
    """Which pictures are graded: all, or `limit` of them, evenly spread."""
    count = sum(1 for _ in read_pictures(*grading.images))
    if grading.limit is None or grading.limit >= count:
        return [True] * count
    wanted = {index * count // grading.limit for index in range(grading.limit)}
    return [index in wanted for index in range(count)]


def _ledgers(grading: Grading, folder: str | Path) -> dict[str, Ledger]:
    settings = grading.settings()
    return {"": Ledger(folder, {**settings, "method": "truth"})} | {
        method.name: Ledger(folder, {**settings, "method": method.key})
        for method in grading.methods
    }


def _grade_picture(
    picture: Picture, grading: Grading, ledgers: Mapping[str, Ledger]
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    wnid = grading.label_of(picture)
    entry: dict[str, Any] = {"name": picture.name, "sha256": picture.sha256, "wnid": wnid}
    # A class belongs to a picture's place in the collection, not to its bytes
    key = picture.sha256 if not (wnid and grading.judge) else f"{picture.sha256[:14]}-{wnid}"
    known: dict[str, dict[str, Any] | None] = {
        name: ledger.read(key) for name, ledger in ledgers.items()
    }
    if any(row is None for row in known.values()):
        truth = Truth(picture.read())
        maps = grading.features.maps(truth.rgb) if grading.features else None
        if known[""] is None:
            reference = _reference(truth, wnid, grading, maps)
            ledgers[""].write(key, reference, truth.rgb)
            known[""] = reference
        for method in grading.methods:
            if known[method.name] is None:
                coloured = _colour(method, truth, picture.name)
                row = score_picture(truth, coloured, grading.options)
                _add_judgement(row, coloured, wnid, grading, maps)
                ledgers[method.name].write(key, row, coloured.rgb)
                known[method.name] = row
    complete = {name: row for name, row in known.items() if row is not None}
    entry["reference"] = complete.pop("")
    entry["ledger_key"] = key
    return entry, complete


def _colour(method: GradedMethod, truth: Truth, name: str) -> Coloured:
    try:
        return Coloured.of(method.colour(truth.grey.copy()), truth.grey.shape)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{method.name} could not colour {name}: {error}") from error


def _reference(truth: Truth, wnid: str | None, grading: Grading, maps: Any) -> dict[str, Any]:
    """What the truth itself, and the grey picture, score."""
    row: dict[str, Any] = {"colourfulness": truth.colourfulness, "shape": list(truth.grey.shape)}
    if wnid and grading.judge:
        row["judged"] = {
            "colour": judged(grading.judge, truth.rgb, wnid),
            "grey": judged(grading.judge, grey(truth.grey).rgb, wnid),
        }
    if maps is not None:
        row["pooled"] = pretrained.pooled(maps)
    return row


def _add_judgement(
    row: dict[str, Any], coloured: Coloured, wnid: str | None, grading: Grading, maps: Any
) -> None:
    if wnid and grading.judge:
        row["scores"].update(judged(grading.judge, coloured.rgb, wnid))
    if maps is not None and grading.features is not None:
        own = grading.features.maps(coloured.rgb)
        row["scores"]["feature_distance"] = [pretrained.feature_distance(maps, own), 1.0]
        row["pooled"] = pretrained.pooled(own)
