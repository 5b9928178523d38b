"""Measure how colour follows hints, and draw what docs/guided.md shows.

``python docs/make_guided_evidence.py FOLDER|FILE.tar`` gives every picture random hints of 2 × 2
pixels that carry their true mean colour (1 to 100 of them, drawn with a seed from the picture's
name), colours it in five ways and prints the tables of the page. ``--share 3`` takes a third of
the pictures, by the hash of their names; ``--picture docs/images/guided.png`` saves the figure
and ``--page docs/guided.md`` writes the tables into the page.
``--reach 0.3 0.1 0.03`` compares how far hints reach beyond what was heard instead, for training
pictures.
"""

from __future__ import annotations

import argparse
import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from napari_colorize import api, ops
from napari_colorize.files.pictures import Picture, read_pictures
from napari_colorize.guided.decisions import Decisions
from napari_colorize.guided.hints import HELD, Drawn
from napari_colorize.guided.listening import Listening, listened, prior_chroma
from napari_colorize.guided.solve import solve
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline.image import read_plane
from napari_colorize.pipeline.refine import full_size_map
from napari_colorize.pipeline.resample import network_shape

COUNTS = (1, 2, 5, 10, 20, 50, 100)
WAYS = (
    "automatic",
    "propagation alone",
    "prior and edges",
    "listening network",
    "all together",
)
LONG_SIDE = 224
BAND = 5
BEGIN, END = "<!-- measured -->", "<!-- end of measured -->"
MOVED = 2.3
"""Lab units that an eye can just tell."""


def chosen(sources: list[str], share: int) -> Iterator[Picture]:
    """Yield every ``share``-th picture, by the hash of its name."""
    for picture in read_pictures(*sources):
        digest = hashlib.sha256(picture.name.encode()).digest()
        if int.from_bytes(digest[:4], "big") % share == 0:
            yield picture


def small(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture of at most 224 pixels a side."""
    scale = LONG_SIDE / max(rgb.shape[:2])
    if scale >= 1:
        return rgb
    return cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def random_hints(ab: NDArray[np.float32], count: int, random: np.random.Generator) -> Drawn:
    """Return so many hints of 2 × 2 pixels with their true mean colour."""
    height, width = ab.shape[:2]
    state = np.zeros((height, width), np.uint8)
    index = np.full((height, width), -1, np.int32)
    colours = []
    for number in range(count):
        row, column = int(random.integers(height - 1)), int(random.integers(width - 1))
        part = slice(row, row + 2), slice(column, column + 2)
        state[part], index[part] = HELD, number
        colours.append(ab[part].mean((0, 1)))
    return Drawn(state, index, np.array(colours, np.float32))


def rgb_of(light: NDArray[np.float32], ab: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return 8-bit sRGB of Lab, moved into the gamut."""
    lab = torch.from_numpy(np.concatenate([light[..., None], ab], -1).astype(np.float32))
    fitted, _ = ops.gamut_clip(lab)
    return ops.lab_to_rgb(fitted, dtype=torch.uint8).numpy()


def psnr(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return the peak signal-to-noise ratio in dB."""
    error = ((one.astype(np.float64) - other) ** 2).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def edge_band(light: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the pixels within 5 pixels of an edge of lightness (Canny), where colour bleeds."""
    edges = cv2.Canny(np.rint(light * 2.55).astype(np.uint8), 60, 160) > 0
    kernel = np.ones((2 * BAND + 1, 2 * BAND + 1), np.uint8)
    return cv2.dilate(edges.astype(np.uint8), kernel).astype(bool)


def measure(
    picture: Picture,
    scores: dict,
    device: str,
    counts: Sequence[int],
    reaches: Sequence[float],
) -> None:
    """Add the scores of one picture."""
    rgb = small(picture.read())
    lab = ops.rgb_to_lab(torch.from_numpy(rgb)).numpy()
    light, ab = np.ascontiguousarray(lab[..., 0]), np.ascontiguousarray(lab[..., 1:])
    plane = read_plane(rgb)
    model, used = api.load_model(ColorizeParameters(), device)
    assert used.network_size is not None
    seen = plane.lightness_at(network_shape(*light.shape, used.network_size))
    ear = Decisions().listening(model, always=True).graph
    assert isinstance(ear, Listening), "there are no weights that listen"
    chroma, uncertainty = api.predict(ear, seen, used)
    prior, _ = prior_chroma(plane, seen, chroma, used)
    unsure = full_size_map(uncertainty, light.shape)
    band = edge_band(light)
    seed = int.from_bytes(hashlib.sha256(picture.name.encode()).digest()[:8], "big")
    nothing = np.zeros_like(prior)
    for count in counts:
        drawn = random_hints(ab, count, np.random.default_rng([seed, count]))
        target = np.where(drawn.held[..., None], drawn.chroma[drawn.index], 0)
        heard = listened(ear, plane, seen, used, drawn, drawn.held, target)
        with_prior = {"uncertainty": unsure, "listen": lambda *_, known=heard: known}
        if reaches:
            found = {
                f"{reach:g}": solve(light, prior, drawn, reach=reach, **with_prior).chroma
                for reach in reaches
            }
        else:
            found = {
                "automatic": prior,
                "propagation alone": solve(light, nothing, drawn, spread=0.0).chroma,
                "prior and edges": solve(
                    light, prior, drawn, uncertainty=unsure, spread=0.0
                ).chroma,
                "listening network": heard[0],
                "all together": solve(light, prior, drawn, **with_prior).chroma,
            }
        for way, chroma_of_way in found.items():
            coloured = rgb_of(light, chroma_of_way)
            kept = scores[way][count]
            kept["psnr"].append(psnr(coloured, rgb))
            kept["ab_rmse"].append(float(np.sqrt(((chroma_of_way - ab) ** 2).mean())))
            if band.any():
                kept["edge_psnr"].append(psnr(coloured[band], rgb[band]))
            if count == 1 and way != "automatic":
                moved = np.linalg.norm(chroma_of_way - prior, axis=-1) > MOVED
                at = np.argwhere(drawn.held).mean(0)
                apart = np.linalg.norm(np.argwhere(moved) - at, axis=1)
                kept["range"].append(float(apart.mean()) if len(apart) else 0.0)


def table(scores: dict, measure_: str, decimals: int = 2) -> str:
    """Return a Markdown table of means."""
    counts = list(next(iter(scores.values())))
    lines = ["| hints | " + " | ".join(map(str, counts)) + " |", "|---" * (len(counts) + 1) + "|"]
    for way in scores:
        means = [np.mean(scores[way][count][measure_]) for count in counts]
        lines.append(f"| {way} | " + " | ".join(f"{mean:.{decimals}f}" for mean in means) + " |")
    return "\n".join(lines)


def report(scores: dict, count: int, share: int) -> str:
    """Return all tables as Markdown."""
    which = "all of them" if share == 1 else f"one in {share}, by the hash of its name"
    parts = [
        f"{count} photographs ({which}), at most {LONG_SIDE} pixels a side. PSNR, dB:",
        table(scores, "psnr", 1),
        f"PSNR within {BAND} pixels of edges, where colour bleeds, dB:",
        table(scores, "edge_psnr", 1),
        "Error of a and b (root of the mean square), Lab units:",
        table(scores, "ab_rmse", 1),
    ]
    ranges = [
        f"{way} {np.mean(of_way[1]['range']):.0f}"
        for way, of_way in scores.items()
        if 1 in of_way and of_way[1]["range"]
    ]
    parts.append(
        f"How far one hint reaches (mean distance of the pixels that it moves by more than {MOVED} "
        f"Lab units), in pixels: {', '.join(ranges)}."
    )
    return "\n\n".join(parts)


def draw(scores: dict, path: Path) -> None:
    """Save the curve of PSNR against hints."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for way in WAYS:
        means = [np.mean(scores[way][count]["psnr"]) for count in COUNTS]
        axes.plot(COUNTS, means, marker="o" if way != "automatic" else "", label=way)
    axes.set_xscale("log")
    axes.set_xticks(COUNTS, [str(count) for count in COUNTS])
    axes.set_xlabel("random hints of 2 × 2 pixels")
    axes.set_ylabel("PSNR (dB)")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=130)


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="+", help="a folder, a tar file, or pictures")
    parser.add_argument("--share", type=int, default=1, help="take one picture in so many")
    parser.add_argument("--most", type=int, default=0, help="stop after so many pictures")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, help="of hints")
    parser.add_argument("--picture", type=Path, help="save the figure")
    parser.add_argument("--page", type=Path, help="write the tables between the page's marks")
    parser.add_argument("--reach", type=float, nargs="+", default=[], help="compare these")
    asked = parser.parse_args()
    scores: dict = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    device, count = api.resolve_device("cpu"), 0
    for count, picture in enumerate(chosen(asked.pictures, asked.share), 1):
        measure(picture, scores, device, asked.counts, asked.reach)
        if count % 10 == 0:
            print(f"{count} pictures\n{table(scores, 'psnr')}\n", flush=True)
        if count == asked.most:
            break
    told = report(scores, count, asked.share)
    print(told)
    if asked.picture:
        draw(scores, asked.picture)
    if asked.page:
        page = asked.page.read_text(encoding="utf-8")
        before, rest = page.split(BEGIN)
        asked.page.write_text(f"{before}{BEGIN}\n{told}\n{END}{rest.split(END)[1]}", "utf-8")


if __name__ == "__main__":
    main()
