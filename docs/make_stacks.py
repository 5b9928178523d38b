"""Measure flicker, and draw what docs/stacks.md shows.

``python docs/make_stacks.py`` prints the tables of the page: photographs of scikit-image that a
window glides over, and a z-stack of cells made by code. ``--picture docs/images/stacks.jpg`` saves
the page's figure too. ``--pictures FOLDER|FILE.tar`` measures other photographs instead.
"""

from __future__ import annotations

import argparse
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from napari_colorize import colorize_stack
from napari_colorize.evaluation.colour import to_lab
from napari_colorize.evaluation.flicker import Pan, flicker, pan
from napari_colorize.evaluation.metrics import ab_error, psnr
from napari_colorize.sample_data import grey
from napari_colorize.sequences.parameters import StackParameters

Picture = NDArray[np.uint8]

PHOTOGRAPHS = ("astronaut", "coffee", "cat", "rocket")
NOISE, LAMP = 6.0, 0.03
INK, PAPER = (30, 30, 34), (252, 252, 250)
GAP, LINE = 10, 24


@dataclass(frozen=True)
class Grades:
    """Of one film at one strength: flicker and mean ab error in Lab units, PSNR in dB."""

    flicker: float
    psnr: float = float("nan")
    error: float = float("nan")


def filmed(picture: Picture, count: int, *, noisy: bool) -> tuple[Pan, Picture]:
    """Return a pan with its true colours, and the grey frames that a camera would give of it.

    A noisy camera adds Gaussian noise of 6 grey codes to each pixel, and its lamp flickers by 3 %.
    """
    film = pan(picture, count)
    codes = np.stack([grey(frame) for frame in film.frames]).astype(np.float64)
    if noisy:
        random = np.random.default_rng(0)
        codes *= 1 + LAMP * random.standard_normal((count, 1, 1))
        codes += NOISE * random.standard_normal(codes.shape)
    return film, np.clip(np.rint(codes), 0, 255).astype(np.uint8)


def graded(film: Pan, frames: Picture, consistency: float) -> tuple[Grades, Picture]:
    """Colour a film at one strength and compare it with the truth."""
    coloured = colorize_stack(frames, consistency=consistency, maps=False).rgb
    pairs = list(zip(film.frames, coloured, strict=True))
    errors = [ab_error(to_lab(truth), to_lab(rgb)).mean() for truth, rgb in pairs]
    quality = float(np.mean([psnr(truth, rgb) for truth, rgb in pairs]))
    return Grades(flicker(coloured, film.corners), quality, float(np.mean(errors))), coloured


def cells(count: int = 24, side: int = 256) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
    """Return a z-stack of ellipsoid cells with rims, blurred, with photon noise, 16-bit.

    And for each pair of planes where structure continues: noise aside, the brightness of the two
    differs by less than a twentieth of the whole range.
    """
    random = np.random.default_rng(0)
    z, y, x = np.ogrid[:count, :side, :side]
    volume = np.full((count, side, side), 0.04, np.float32)
    for _ in range(60):
        centre = random.uniform((0, 0, 0), (count, side, side))
        radius, depth, stretch = random.uniform((12, 3, 0.7), (24, 6, 1.3))
        way = ((z - centre[0]) / depth) ** 2 + ((y - centre[1]) / radius) ** 2
        way = way + ((x - centre[2]) / (radius * stretch)) ** 2
        body = np.where(way < 1, random.uniform(0.35, 0.9), np.where(way < 1.3, 0.25, 0))
        np.maximum(volume, body, out=volume, casting="same_kind")
    blurred = np.stack([cv2.GaussianBlur(plane, (0, 0), 1.5) for plane in volume])
    along_z = cv2.GaussianBlur(blurred.reshape(count, -1), (1, 7), 0, sigmaY=1.2)
    clean = along_z.reshape(volume.shape)
    photons = random.poisson(clean * 200)
    continues = np.abs(np.diff(clean, axis=0)) < 0.05
    return np.clip(photons * 16 + 100, 0, 65535).astype(np.uint16), continues


def photographs(place: Path | None) -> Iterator[tuple[str, Picture]]:
    """Yield names and pictures: scikit-image's, or those of a folder or a tar file."""
    if place is None:
        for name in PHOTOGRAPHS:
            yield name, getattr(skimage.data, name)()
    elif place.is_dir():
        for path in sorted(place.iterdir()):
            yield path.name, np.asarray(Image.open(path).convert("RGB"))
    else:
        with tarfile.open(place) as archive:
            for member in archive:
                opened = archive.extractfile(member)
                if opened is not None:
                    picture = Image.open(io.BytesIO(opened.read())).convert("RGB")
                    yield member.name, np.asarray(picture)


def row_of(name: str, alone: Grades, held: Grades) -> str:
    """Return a line of a table."""
    return (
        f"| {name} | {alone.flicker:.2f} | {held.flicker:.2f} | "
        f"{alone.flicker / held.flicker:.1f} × | {alone.psnr:.2f} | {held.psnr:.2f} | "
        f"{held.psnr - alone.psnr:+.2f} | {alone.error:.2f} | {held.error:.2f} |"
    )


def measure_pans(place: Path | None, count: int, every: int, strength: float) -> None:
    """Print a line a photograph, clean and noisy, and what their means say."""
    print(
        "| film | flicker, alone | held | falls | PSNR, alone | held | Δ | ab error, alone | held |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    found: dict[bool, list[tuple[Grades, Grades]]] = {False: [], True: []}
    for number, (name, picture) in enumerate(photographs(place)):
        if number % every:
            continue
        for noisy, pairs in found.items():
            film, frames = filmed(picture, count, noisy=noisy)
            pairs.append((graded(film, frames, 0)[0], graded(film, frames, strength)[0]))
            print(row_of(f"{name}{', noisy' if noisy else ''}", *pairs[-1]), flush=True)
    for noisy, pairs in found.items():
        falls = [alone.flicker / held.flicker for alone, held in pairs]
        lost = [alone.psnr - held.psnr for alone, held in pairs]
        print(
            f"{'noisy' if noisy else 'clean'}: {len(pairs)} films, flicker falls "
            f"{np.median(falls):.1f} × (median), {min(falls):.1f} × (least); PSNR changes by "
            f"{-np.mean(lost):+.2f} dB (mean), {-max(lost):+.2f} dB (worst)"
        )


def measure_strengths(count: int) -> None:
    """Print how flicker and quality go with the strength, over the noisy photographs."""
    print("\n| consistency | flicker | PSNR / dB | ab error |\n|---|---|---|---|")
    films = [filmed(picture, count, noisy=True) for _, picture in photographs(None)]
    for strength in (0.0, 0.125, 0.25, 0.5, 0.75, 1.0):
        grades = [graded(*film, strength)[0] for film in films]
        values = [
            np.mean([getattr(g, key) for g in grades]) for key in ("flicker", "psnr", "error")
        ]
        print("| {} | {:.2f} | {:.2f} | {:.2f} |".format(strength, *values), flush=True)


def measure_cells() -> None:
    """Print the flicker of the z-stack: of pixels and of blocks, where structure continues."""
    stack, continues = cells()
    blocks = [in_blocks(mask.astype(np.float32)) == 1 for mask in continues]
    print("\n| consistency | pixels | blocks | pixels, all over |\n|---|---|---|---|")
    for strength in (0.0, 0.25, 0.5, 0.75, 1.0):
        coloured = colorize_stack(stack, consistency=strength, maps=False).rgb
        coarse = [in_blocks(frame) for frame in coloured]
        values = (
            flicker(coloured, where=list(continues)),
            flicker(coarse, where=blocks),
            flicker(coloured),
        )
        print("| {} | {:.2f} | {:.2f} | {:.2f} |".format(strength, *values), flush=True)


def in_blocks(plane: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the means of blocks of 4 × 4 pixels: what is seen from further away."""
    size = plane.shape[1] // 4, plane.shape[0] // 4
    return cv2.resize(plane, size, interpolation=cv2.INTER_AREA)


def strip(
    frames: Picture, corners: list[tuple[int, int]], spot: tuple[int, int], height: int
) -> Picture:
    """Return one column of the scene over time: a column a frame, at the same spot of the scene."""
    columns = [
        frame[spot[0] - row : spot[0] - row + height, spot[1] - left]
        for frame, (row, left) in zip(frames, corners, strict=True)
    ]
    return np.stack(columns, axis=1)


def figure(count: int, strength: float) -> Image.Image:
    """Draw a noisy pan: frames alone and held, and one column of the scene through time."""
    film, frames = filmed(skimage.data.rocket(), count, noisy=True)
    rows = [
        ("each frame for itself", graded(film, frames, 0)[1]),
        (f"held, consistency {strength:g}", graded(film, frames, strength)[1]),
    ]
    chosen = (count // 2, count // 2 + 1, count // 2 + 2)
    spot, tall = common_column(film)
    pictures = [
        [*[coloured[n] for n in chosen], strip(coloured, film.corners, spot, tall)]
        for _, coloured in rows
    ]
    height = 250
    scaled = [[fitted(p, height, last=p is row[-1]) for p in row] for row in pictures]
    width = GAP + sum(p.width + GAP for p in scaled[0])
    sheet = Image.new("RGB", (width, len(rows) * (height + LINE + GAP) + GAP), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for number, ((title, _), row) in enumerate(zip(rows, scaled, strict=True)):
        top, left = GAP + number * (height + LINE + GAP), GAP
        for picture in row:
            sheet.paste(picture, (left, top + LINE))
            last = left
            left += picture.width + GAP
        draw.text((GAP, top), f"{title}: three frames in a row", INK, font)
        draw.text((last, top), "one column through time", INK, font)
    return sheet


def common_column(film: Pan) -> tuple[tuple[int, int], int]:
    """Return a spot of the scene that all frames show, and the rows below that they show too."""
    corners, (height, width) = np.array(film.corners), film.frames[0].shape[:2]
    top, left = corners.max(axis=0)
    bottom, right = corners.min(axis=0) + np.array([height, width])
    return (int(top), int((left + right) // 2)), int(bottom - top)


def fitted(picture: Picture, height: int, *, last: bool) -> Image.Image:
    """Scale to one height; the strip through time is widened, its columns kept sharp."""
    image = Image.fromarray(picture)
    width = 8 * image.width if last else round(image.width * height / image.height)
    method = Image.Resampling.NEAREST if last else Image.Resampling.LANCZOS
    return image.resize((width, height), method)


def main() -> None:
    """Print the tables; with --picture, save the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--pictures", type=Path, help="folder or tar of photographs to measure")
    parser.add_argument("--every", type=int, default=1, help="take every n-th photograph")
    parser.add_argument("--consistency", type=float, default=StackParameters().consistency)
    parser.add_argument("--picture", type=Path, help="save the figure here, as JPEG")
    arguments = parser.parse_args()
    measure_pans(arguments.pictures, arguments.frames, arguments.every, arguments.consistency)
    if arguments.pictures is None:
        measure_strengths(arguments.frames)
        measure_cells()
    if arguments.picture:
        sheet = figure(arguments.frames, arguments.consistency)
        sheet.save(arguments.picture, quality=88)


if __name__ == "__main__":
    main()
