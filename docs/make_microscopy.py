"""Show what the weights do to micrographs: docs/images/microscopy.jpg.

``make docs`` runs this. One row a picture: grey, each checkpoint that is on this machine, and the
truth where there is one. The pictures are those inside scikit-image's wheel; it brings neither
fluorescence nor electron micrographs, so two are made by code with what matters of them: bright
cells on black with shot noise, and grey membranes in a grainy field. With ``--fetched`` those of
scikit-image that must be downloaded (mitosis, cells, kidney) are added.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.stats import spearmanr
from skimage.color import rgb2lab

from napari_colorize import colorize
from napari_colorize.checkpoints import registry
from napari_colorize.evaluation.sheets import SheetRow, draw_sheet
from napari_colorize.sample_data import grey as grey_of

Picture = NDArray[np.uint8]

CHECKPOINTS = ("colorful", "colorful-stain")
PICTURE = Path(__file__).parent / "images" / "microscopy.jpg"
TILE = 280


def fluorescence(size: int = 512, cells: int = 60, seed: int = 0) -> Picture:
    """Paint bright nuclei of uneven texture on black, with shot noise; (size, size) uint8."""
    random = np.random.default_rng(seed)
    light = np.full((size, size), 2.0, np.float32)
    for _ in range(cells):
        mask = np.zeros((size, size), np.float32)
        centre = [int(c) for c in random.integers(0, size, 2)]
        axes = [int(a) for a in random.integers(14, 28, 2)]
        cv2.ellipse(mask, (centre, [2 * a for a in axes], float(random.uniform(0, 180))), 1.0, -1)
        light += cv2.GaussianBlur(mask, (0, 0), 2.5) * random.uniform(15, 70)
    texture = cv2.GaussianBlur(random.normal(0, 1, light.shape).astype(np.float32), (0, 0), 3)
    counts = random.poisson(light * np.clip(1 + 1.5 * texture, 0.3, None))
    return np.clip(counts / np.percentile(counts, 99.8) * 255, 0, 255).astype(np.uint8)


def electron(size: int = 512, cells: int = 45, seed: int = 0) -> Picture:
    """Paint dark membranes between pale, grainy profiles with dark spots; (size, size) uint8."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    for plane in (rows, columns):
        wave = cv2.GaussianBlur(random.normal(0, 1, (size, size)).astype(np.float32), (0, 0), 14)
        plane += wave * 220
    seeds = random.uniform(0, size, (cells, 2))
    nearest = np.argmin(
        [(rows - row) ** 2 + (columns - column) ** 2 for row, column in seeds], axis=0
    )
    edges = cv2.morphologyEx(
        nearest.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)
    )
    membrane = np.exp(-((distance_transform_edt(edges == 0) / 2.2) ** 2))
    shade = random.uniform(150, 195, cells)[nearest] - 110 * membrane
    for _ in range(120):
        centre = [int(c) for c in random.integers(0, size, 2)]
        cv2.circle(shade, centre, int(random.integers(3, 8)), float(random.uniform(60, 110)), -1)
    noise = cv2.GaussianBlur(random.normal(0, 1, shade.shape), (0, 0), 0.8) * 28
    return np.clip(cv2.GaussianBlur(shade, (0, 0), 1.0) + noise, 0, 255).astype(np.uint8)


def pictures(fetched: bool = False) -> Iterator[tuple[str, Picture, Picture | None]]:
    """Yield caption, grey picture and truth (``None`` where the picture never had colours)."""
    stained = skimage.data.immunohistochemistry()
    yield "stained tissue (scikit-image: immunohistochemistry)", grey_of(stained), stained
    yield "fluorescence, made by code", fluorescence(), None
    yield "electron micrograph, made by code", electron(), None
    yield "phase (scikit-image: cell)", skimage.data.cell(), None
    # A crop: the whole is a black square around a disc.
    fundus = np.ascontiguousarray(skimage.data.retina()[350:1050, 350:1050])
    yield "eye fundus (scikit-image: retina)", grey_of(fundus), fundus
    if fetched:
        for name, take in FETCHED:
            yield f"fluorescence (scikit-image: {name})", _as_codes(take()), None


FETCHED: Sequence[tuple[str, Callable[[], NDArray]]] = (
    ("human_mitosis", skimage.data.human_mitosis),
    ("cells3d, nuclei", lambda: skimage.data.cells3d()[30, 1]),
    ("kidney, one channel", lambda: skimage.data.kidney()[8, :, :, 1]),
)


def _as_codes(plane: NDArray) -> Picture:
    """Bring raw counts to 8-bit codes by their robust range, as napari would show them."""
    low, high = np.percentile(plane, (0.1, 99.9))
    return (np.clip((plane - low) / max(high - low, 1), 0, 1) * 255).astype(np.uint8)


def hue_with_lightness(rgb: Picture, darkest: float = 15.0) -> float:
    """Return Spearman's correlation of Lab hue and L* over the pixels that are not black."""
    lab = rgb2lab(rgb)
    seen = lab[..., 0] > darkest
    hue = np.arctan2(lab[..., 2], lab[..., 1])[seen]
    return float(spearmanr(lab[..., 0][seen], hue)[0])


def main() -> None:
    """Write the picture and say where it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=PICTURE)
    parser.add_argument("--checkpoint", action="append", help="instead of the shipped ones")
    parser.add_argument("--fetched", action="store_true", help="download three more pictures")
    given = parser.parse_args()
    here = {record.name for record in registry.available()}
    shown = given.checkpoint or [name for name in CHECKPOINTS if name in here]
    rows = []
    for caption, grey, truth in pictures(given.fetched):
        results = [colorize(grey, checkpoint=name, window=(0, 255)) for name in shown]
        rows.append(SheetRow(caption, [grey, *(result.rgb for result in results), truth]))
        for name, result in zip(shown, results, strict=True):
            print(
                f"{caption}: {name}, mean uncertainty {result.uncertainty.mean():.2f}, "
                f"hue follows lightness by {hue_with_lightness(result.rgb):.2f}"
            )
    headings = ["grey", *(Path(name).stem for name in shown), "truth"]
    footer = "Predicted colour is plausible at best, never measured."
    draw_sheet(rows, headings, tile=TILE, across=1, footer=footer).save(given.output, quality=88)
    print(given.output)


if __name__ == "__main__":
    main()
