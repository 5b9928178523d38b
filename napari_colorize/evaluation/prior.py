"""How common each colour is: the ab prior of the training photographs.

Class-rebalanced AuC weighs a pixel by how rare its true colour is. The prior is a histogram over
the 313 bins, measured once and shipped as counts (``prior.json``). To measure it again, or on
photographs of your own::

    python -m napari_colorize.evaluation.prior TAR-OR-FOLDER... -o prior.json
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from napari_colorize.evaluation.colour import to_lab
from napari_colorize.files.pictures import Picture, fingerprint_of_contents, read_pictures
from napari_colorize.ops.bins import BIN_STEP, NUM_BINS, bin_centres
from napari_colorize.storage import write_whole

SIGMA = 5.0
"""Standard deviation of the smoothing on the ab plane (Zhang et al. 2016, section 2.2)."""

FLOOR = 1e-4
"""Least smoothed probability a weight is taken from, so that no single pixel decides a score."""


@dataclass(frozen=True)
class Prior:
    """Counts of the true colours over the 313 bins.

    Parameters
    ----------
    counts : numpy.ndarray
        ``(313,)`` pixels whose nearest bin each is, in the order of
        :func:`napari_colorize.ops.bins.bin_centres`.
    provenance : dict
        Where the counts come from: pictures, pixels, fingerprint, command.
    """

    counts: np.ndarray
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse counts that are no histogram over the bins."""
        counts = np.asarray(self.counts, dtype=np.float64)
        if counts.shape != (NUM_BINS,) or not np.isfinite(counts).all() or (counts < 0).any():
            raise ValueError(f"A prior is {NUM_BINS} counts, finite and not negative.")
        if counts.sum() == 0:
            raise ValueError("The prior counted no pixel; give photographs with colour.")
        object.__setattr__(self, "counts", counts)

    @property
    def probability(self) -> np.ndarray:
        """The plain probability of each bin: ``(313,)`` float64, sum 1."""
        return self.counts / self.counts.sum()

    @property
    def mean_ab(self) -> np.ndarray:
        """The mean colour, ``(2,)`` a and b in Lab units."""
        return self.probability @ bin_centres().astype(np.float64)

    def smoothed(self, sigma: float = SIGMA) -> np.ndarray:
        """Return the prior smoothed by a two-dimensional Gaussian over the ab plane.

        Zhang, Isola and Efros (2016), section 2.2. The Gaussian is taken over ab distance between
        bins, not over the bin index, and each bin's mass stays within the set.

        Parameters
        ----------
        sigma : float
            Standard deviation in ab units; 0 leaves the prior as it is.

        Returns
        -------
        numpy.ndarray
            ``(313,)`` float64, sum 1.
        """
        if sigma == 0:
            return self.probability
        centres = bin_centres().astype(np.float64)
        squared = np.square(centres[:, None] - centres[None]).sum(axis=-1)
        kernel = np.exp(-squared / (2 * sigma**2))
        return (kernel / kernel.sum(axis=0)) @ self.probability

    def weights(self, *, sigma: float = SIGMA, floor: float = FLOOR) -> np.ndarray:
        """Return what a pixel of each bin weighs in the rebalanced score: ``1 / max(p̃, floor)``.

        Returns
        -------
        numpy.ndarray
            ``(313,)`` float64, 1…1/floor.
        """
        return 1 / np.maximum(self.smoothed(sigma), floor)

    def save(self, path: str | Path) -> None:
        """Write the prior as JSON, whole."""
        body = {"counts": [int(count) for count in self.counts], **self.provenance}
        write_whole(path, json.dumps(body, ensure_ascii=False) + "\n")


def nearest_bin(ab: np.ndarray) -> np.ndarray:
    """Return the index of the nearest of the 313 bins.

    Parameters
    ----------
    ab : numpy.ndarray
        ``(..., 2)`` in Lab units.

    Returns
    -------
    numpy.ndarray
        ``(...)`` int16, 0…312.
    """
    ab = np.asarray(ab)
    table = _index_table()
    half = table.shape[0] // 2
    cell = np.clip(np.rint(ab / BIN_STEP), -half, half).astype(np.intp) + half
    index = table[cell[..., 0], cell[..., 1]]
    outside = index < 0  # no 8-bit sRGB colour gets here; wild predictions may
    if outside.any():
        stray = ab[outside].astype(np.float64)[:, None] - bin_centres()[None]
        index[outside] = np.square(stray).sum(axis=-1).argmin(axis=1)
    return index


def measure(pictures: Iterable[Picture], tick: Callable[[], object] = lambda: None) -> Prior:
    """Count the colours of photographs, every pixel of every picture.

    Parameters
    ----------
    pictures : iterable of Picture
        What :func:`~napari_colorize.files.pictures.read_pictures` yields.
    tick : callable
        Called after each picture, for a progress bar.

    Returns
    -------
    Prior
        With the number of pictures and pixels and the collection's fingerprint.
    """
    counts = np.zeros(NUM_BINS, dtype=np.int64)
    seen = []
    for picture in pictures:
        index = nearest_bin(to_lab(picture.read())[..., 1:])
        counts += np.bincount(index.ravel(), minlength=NUM_BINS)
        seen.append((picture.name, picture.sha256))
        tick()
    return Prior(
        counts,
        {
            "pictures": len(seen),
            "pixels": int(counts.sum()),
            "fingerprint": fingerprint_of_contents(seen),
        },
    )


@cache
def load_prior(path: str | Path | None = None) -> Prior:
    """Load a measured prior.

    Parameters
    ----------
    path : str or path, optional
        A file from :func:`measure`; ``None``: the shipped one, of the project's training
        photographs.
    """
    if path is None:
        text = resources.files(__package__).joinpath("prior.json").read_text(encoding="utf-8")
    else:
        text = Path(path).read_text(encoding="utf-8")
    body = json.loads(text)
    if not isinstance(body, dict) or "counts" not in body:
        raise ValueError(f"{path} is no prior; make one with python -m {__name__}.")
    return Prior(np.array(body.pop("counts")), body)


@cache
def _index_table() -> np.ndarray:
    half = int(np.abs(bin_centres()).max()) // BIN_STEP
    table = np.full((2 * half + 1, 2 * half + 1), -1, dtype=np.int16)
    cell = np.rint(bin_centres() / BIN_STEP).astype(int) + half
    table[cell[:, 0], cell[:, 1]] = np.arange(NUM_BINS)
    return table


def main(arguments: list[str] | None = None) -> None:
    """Measure a prior from the command line."""
    import argparse

    from tqdm import tqdm

    parser = argparse.ArgumentParser(
        prog="python -m napari_colorize.evaluation.prior", description=measure.__doc__
    )
    parser.add_argument("source", nargs="+", help="folders or tars of photographs")
    parser.add_argument("-o", "--output", required=True, help="the JSON file to write")
    parser.add_argument("--note", default="", help="a sentence about the pictures to keep with it")
    options = parser.parse_args(arguments)
    with tqdm(unit="picture") as bar:
        prior = measure(read_pictures(*options.source), bar.update)
    names = [Path(source).name for source in options.source]
    prior.provenance.update(sources=names, note=options.note)
    prior.save(options.output)


if __name__ == "__main__":
    main()
