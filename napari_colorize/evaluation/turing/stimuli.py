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
from napari_colorize.evaluation.ledger import write_beside
from napari_colorize.evaluation.methods import GradedMethod
from napari_colorize.evaluation.pictures import Picture
from napari_colorize.evaluation.scoring import Coloured

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
        rgb = picture.rgb()
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
    write_beside(folder / "stimuli.json", (json.dumps(body, indent=1) + "\n").encode())
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
    write_beside(path, buffer.getvalue())


def _read(path: Path) -> np.ndarray:
    from PIL import Image

    with Image.open(path) as image:
        return np.array(image.convert("RGB"))
