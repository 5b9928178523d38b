"""The pairs of pictures shown: a folder of real and recoloured PNGs, made before anyone sits down.

Both of a pair are stored alike, so that only the colour can give the fake away: both have passed
through the same decoding and the same lossless coding, at the same size. The real picture is the
truth itself; its lightness and the fake's agree within the rounding to 8 bits.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_colorize.evaluation.colour import grey_of
from napari_colorize.evaluation.methods import GradedMethod
from napari_colorize.evaluation.scoring import Coloured
from napari_colorize.files.pictures import Picture
from napari_colorize.storage import write_whole

FORMAT = "napari-colorize turing stimuli 1"
COLOURLESS = 8.0
"""Colourfulness below which a true picture is left out: a grey truth has no right answer."""


@dataclass(frozen=True)
class Stimuli:
    """A folder of prepared pairs.

    Parameters
    ----------
    folder : path
        Where the PNGs lie.
    pictures : tuple of str
        Ids of the real pictures.
    names : tuple of str
        Their names in the collection they come from, in the same order.
    methods : tuple of str
        Names of the methods whose fakes are there.
    keys : tuple of str
        The methods' hashes, in the same order; their folders are named after them.
    """

    folder: Path
    pictures: tuple[str, ...]
    names: tuple[str, ...]
    methods: tuple[str, ...]
    keys: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """A hash of what can be shown; sessions of other stimuli do not merge."""
        body = json.dumps([self.pictures, self.methods, self.keys])
        return hashlib.sha256(body.encode()).hexdigest()[:16]

    @classmethod
    def load(cls, folder: str | Path) -> Stimuli:
        """Open a folder from :func:`prepare`."""
        path = Path(folder) / "stimuli.json"
        if not path.exists():
            raise FileNotFoundError(f"{folder} holds no stimuli; make them with turing prepare.")
        body = json.loads(path.read_text(encoding="utf-8"))
        if body.get("format") != FORMAT:
            raise ValueError(f"{path} is no stimuli.json that this version reads ({FORMAT!r}).")
        lists = (tuple(body[key]) for key in ("pictures", "names", "methods", "keys"))
        return cls(Path(folder), *lists)

    def real(self, picture: str) -> np.ndarray:
        """Return the real picture: ``(H, W, 3)`` uint8."""
        return _read(self._path("real", picture))

    def fake(self, picture: str, method: str) -> np.ndarray:
        """Return the picture recoloured by a method: ``(H, W, 3)`` uint8."""
        return _read(self._path(f"fake-{self.keys[self.methods.index(method)]}", picture))

    def _path(self, kind: str, picture: str) -> Path:
        return self.folder / kind / f"{picture}.png"


def draw(
    pictures: Iterable[Picture],
    count: int,
    *,
    seed: int = 0,
    tick: Callable[[], object] = lambda: None,
) -> list[Picture]:
    """Draw pictures by chance, evenly from a whole collection, leaving nearly colourless ones out.

    Which are drawn depends on their bytes and the seed alone, not on names, order or duplicates:
    the same collection gives the same pictures in the command and in the panel.

    Parameters
    ----------
    pictures : iterable of Picture
        The collection; each is read once for its hash.
    count : int
        How many are wanted.
    seed : int, optional
        Another one draws others.
    tick : callable, optional
        Called after each picture that was looked at; may raise to stop.

    Returns
    -------
    list of Picture
        In the order in which they were drawn; fewer where the collection has no more in colour.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from napari_colorize.files.pictures import read_pictures
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("RGB", (8, 8), (200, 20, 0)).save(Path(folder, "red.png"))
    ...     Image.new("RGB", (8, 8), (90, 90, 90)).save(Path(folder, "grey.png"))
    ...     [picture.name for picture in draw(read_pictures(folder), 2)]
    ['red.png']
    """
    from napari_colorize.evaluation.metrics import colourfulness

    by_chance: dict[bytes, Picture] = {}
    for picture in pictures:
        by_chance.setdefault(hashlib.sha256(f"{seed} {picture.sha256}".encode()).digest(), picture)
        tick()
    drawn: list[Picture] = []
    for _, picture in sorted(by_chance.items()):
        if len(drawn) == count:
            break
        if colourfulness(picture.read()) >= COLOURLESS:
            drawn.append(picture)
        tick()
    return drawn


def prepare(
    pictures: Iterable[Picture],
    methods: Sequence[GradedMethod],
    folder: str | Path,
    *,
    tick: Callable[[], object] = lambda: None,
) -> Stimuli:
    """Recolour pictures and store the pairs.

    Parameters
    ----------
    pictures : iterable of Picture
        True pictures; nearly colourless ones are left out.
    methods : sequence of GradedMethod
        Methods to test; each picture is recoloured by each.
    folder : str or path
        New or the same as before (pictures that are there are not made again).
    tick : callable
        Called after each picture.

    Returns
    -------
    Stimuli
    """
    from napari_colorize.evaluation.metrics import colourfulness

    if not methods:
        raise ValueError("There is no method to test; name at least one.")
    folder = Path(folder)
    ids: list[str] = []
    names: list[str] = []
    for picture in pictures:
        rgb = picture.read()
        if colourfulness(rgb) >= COLOURLESS and picture.sha256[:16] not in ids:
            ids.append(picture.sha256[:16])
            names.append(picture.name)
            _store_pair(folder, ids[-1], rgb, methods)
        tick()
    if not ids:
        raise ValueError("None of the pictures has colour; give photographs in colour.")
    by_name = {method.name: method.key for method in methods}
    stimuli = Stimuli(folder, tuple(ids), tuple(names), tuple(by_name), tuple(by_name.values()))
    body = {
        "format": FORMAT,
        "pictures": ids,
        "names": names,
        "methods": stimuli.methods,
        "keys": stimuli.keys,
        "settings": [dict(method.settings) for method in methods],
    }
    write_whole(folder / "stimuli.json", json.dumps(body, indent=1) + "\n")
    return stimuli


def _store_pair(
    folder: Path, picture: str, rgb: np.ndarray, methods: Sequence[GradedMethod]
) -> None:
    _store(folder / "real" / f"{picture}.png", rgb)
    grey = grey_of(rgb)
    for method in methods:
        path = folder / f"fake-{method.key}" / f"{picture}.png"
        if not path.exists():
            _store(path, Coloured.of(method.colour(grey), grey.shape).rgb)


def _store(path: Path, rgb: np.ndarray) -> None:
    from PIL import Image

    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG")
    write_whole(path, buffer.getvalue())


def _read(path: Path) -> np.ndarray:
    from PIL import Image

    with Image.open(path) as image:
        return np.array(image.convert("RGB"))
