"""Digests of results that a change of the code's structure must leave the same, byte for byte.

A script, not a test: run it before and after, on the same machine, and compare what it prints.

    python tests/digests.py > before.txt
    python tests/digests.py > after.txt
    diff before.txt after.txt

Each line is a SHA-256 and a name. Digested are decoded pixels, numbers and weights, never whole
files, which hold dates and versions. ``DIGESTS_WEIGHTS`` names a folder of weights, each with its
record beside it, that is used in the place of the shipped ones, so that results can be compared
although the shipped weights have changed. Arguments choose parts: ``python tests/digests.py demo``.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import napari_colorize

ROOT = Path(napari_colorize.__file__).parents[1]
WEIGHTS = ("colorful", "colorful-permissive", "colorful-stain", "deep", "gan", "unet")
REFINEMENTS = ("joint_bilateral", "bilateral_grid", "guided", "domain_transform", "bilinear")
DTYPES = ("uint8", "uint16", "float32")
SMALL = {"crop": 32, "batch": 4, "epochs": 1, "holdout": 3, "workers": 0, "accelerator": "cpu"}

Digest = tuple[str, str]


def weights_of(name: str) -> str:
    """Return what ``checkpoint`` is to be: a name, or a path in the folder that was given."""
    folder = os.environ.get("DIGESTS_WEIGHTS")
    return str(Path(folder) / f"{name}.safetensors") if folder else name


def digest_of(*parts: Any) -> str:
    """Return the SHA-256 of arrays (with shape and dtype) and of what JSON can hold."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            total.update(f"{part.dtype} {part.shape}".encode())
            total.update(np.ascontiguousarray(part).tobytes())
        else:
            total.update(json.dumps(part, sort_keys=True).encode())
    return total.hexdigest()


def arrays_of(result: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Give a result's arrays by name; lazy ones are computed plane by plane, backwards."""
    for name in ("rgb", "uncertainty", "clipped"):
        array = getattr(result, name)
        if isinstance(array, np.ndarray):
            yield name, array
        else:
            planes = [np.asarray(array[index]) for index in reversed(range(len(array)))]
            yield name, np.stack(planes[::-1])


def of_result(title: str, result: Any) -> Iterator[Digest]:
    """Digest arrays, the parameters that were used, and the legend, each on a line of its own."""
    for name, array in arrays_of(result):
        yield digest_of(array), f"{title}: {name}"
    used = {**result.record["parameters"], "checkpoint": None}
    yield digest_of(used), f"{title}: parameters"
    yield digest_of(result.legend), f"{title}: legend"


def scene(seed: int, height: int = 96, width: int = 120) -> np.ndarray:
    """Return an RGB picture of discs in plain colours on a graded ground, uint8."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    picture = np.stack([rows * 2, columns * 2, rows + columns], -1).astype(np.uint8)
    for _ in range(6):
        y, x, radius = (int(random.integers(0, side)) for side in (height, width, 25))
        picture[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = random.integers(0, 256, 3)
    return picture


def stack_of(planes: int = 6) -> np.ndarray:
    """Return a (z, y, x) stack of 16 bits: discs that drift, under a little noise."""
    random = np.random.default_rng(5)
    grey = scene(5).mean(-1)
    moved = np.stack([np.roll(grey, 2 * z, axis=1) for z in range(planes)])
    return (moved * 40 + random.normal(0, 60, moved.shape)).clip(0, 65535).astype(np.uint16)


def demo() -> Iterator[Digest]:
    """Colour the photographs of the demo by every weights file."""
    place = ROOT / "docs" / "make_demo.py"
    spec = importlib.util.spec_from_file_location("make_demo", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, load, has_truth in module.PHOTOGRAPHS:
        picture = module.grey(load()) if has_truth else load()
        yield digest_of(picture), f"demo {name}: grey"
        for weights in WEIGHTS:
            result = napari_colorize.colorize(picture, checkpoint=weights_of(weights))
            yield from of_result(f"demo {name} by {weights}", result)


def pictures() -> Iterator[Digest]:
    """Colour one picture by each refinement, in each dtype, from grey, RGBA and 16 bits."""
    checkpoint = weights_of("colorful")
    colour = scene(0, 150, 201)
    grey = colour.mean(-1).astype(np.uint8)
    for refinement in REFINEMENTS:
        for dtype in DTYPES:
            result = napari_colorize.colorize(
                grey, checkpoint=checkpoint, refinement=refinement, dtype=dtype, network_size=96
            )
            yield from of_result(f"{refinement}, {dtype}", result)
    alpha = np.dstack([colour, grey])
    given = {"RGBA": alpha, "16 bits": stack_of(1)[0], "float": grey / 255.0}
    for name, picture in given.items():
        result = napari_colorize.colorize(picture, checkpoint=checkpoint, gamma=0.8)
        yield from of_result(name, result)


def stacks() -> Iterator[Digest]:
    """Colour a stack at once, plane by plane, channel by channel and lazily."""
    stack = stack_of()
    common = {"checkpoint": weights_of("colorful"), "network_size": 64}
    for consistency in (0.0, 0.75):
        changes = {**common, "consistency": consistency}
        result = napari_colorize.colorize_stack(stack, axis=0, **changes)
        yield from of_result(f"stack at {consistency}", result)
        lazy = napari_colorize.colorize_lazy(stack, axis=0, first=(3,), **changes)
        yield from of_result(f"lazy stack at {consistency}", lazy)
    result = napari_colorize.colorize_stack(stack, axis=None, **common)
    yield from of_result("stack without an axis", result)
    both = np.stack([stack, stack[::-1]], axis=1)
    result = napari_colorize.colorize_stack(both, axis=0, **common)
    yield from of_result("two stacks in one", result)
    levels = [stack, stack[:, ::2, ::2]]
    pyramid = napari_colorize.colorize_multiscale(levels, axis=0, **common)
    for level, array in enumerate(pyramid.rgb):
        yield digest_of(np.asarray(array)), f"pyramid, level {level}"


def trainings() -> Iterator[Digest]:
    """Train every method for a few steps on thirty small pictures."""
    from PIL import Image

    from napari_colorize.training import train

    network = {"architecture": "unet-cifar", "options": {"width": 0.125}}
    judged = {**network, "discriminator_width": 0.125}
    asked = {
        "colorful": ("cpu", {**SMALL, "start": weights_of("colorful")}),
        "unet": ("unet-cifar", {**SMALL, **network}),
        "gan": ("gan-cifar", {**SMALL, **judged}),
        "pix2pix": ("pix2pix", {**SMALL, **judged}),
        "deep": (
            None,
            {"steps": 4, "batch": 16, "samples": 3000, "layers": 2, "pictures_a_cluster": 8},
        ),
    }
    with tempfile.TemporaryDirectory() as place:
        data = Path(place) / "pictures"
        data.mkdir()
        for number in range(30):
            Image.fromarray(scene(number, 64, 80)).save(data / f"{number:02d}.png")
        for method, (recipe, changes) in asked.items():
            try:
                path = train(method, data, Path(place) / method, recipe=recipe, changes=changes)
            except Exception as error:  # the other trainings are still worth their digests
                print(f"{method}: {error}", file=sys.stderr)
                yield "-" * 64, f"training of {method}"
                continue
            yield digest_of(*tensors_of(path)), f"training of {method}"


def tensors_of(path: Path) -> Iterator[Any]:
    """Give the names and arrays of a weights file."""
    from safetensors.numpy import load_file

    for name, array in sorted(load_file(path).items()):
        yield name
        yield array


def evaluation() -> Iterator[Digest]:
    """Grade two methods and the baselines on six pictures; digest the report's numbers."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as place:
        data, out = Path(place) / "pictures", Path(place) / "report"
        data.mkdir()
        for number in range(6):
            Image.fromarray(scene(number)).save(data / f"{number}.png")
        options = ["--images", str(data), "-o", str(out), "--no-judge", "-q"]
        named = [f"--checkpoint={weights_of(name)}" for name in ("colorful", "deep")]
        command("evaluate", *named, *options)
        scores = json.loads((out / "scores.json").read_text())
        for number, graded in enumerate(scores["methods"].values()):
            for part in ("scores", "per_picture", "curves"):
                yield digest_of(graded.get(part)), f"evaluation, method {number}: {part}"


def commands() -> Iterator[Digest]:
    """Colour a PNG and a TIFF stack from the command line, page by page and held."""
    import tifffile
    from PIL import Image

    checkpoint = f"--checkpoint={weights_of('colorful')}"
    with tempfile.TemporaryDirectory() as place:
        data = Path(place)
        Image.fromarray(scene(0).mean(-1).astype(np.uint8)).save(data / "picture.png")
        axes = {"axes": "ZYX"}
        tifffile.imwrite(data / "stack.tif", stack_of(), imagej=True, metadata=axes)
        runs = {
            "PNG": ("picture.png", []),
            "pages": ("stack.tif", []),
            "held": ("stack.tif", ["--consistency=0.75", "--axis=z"]),
        }
        for title, (name, options) in runs.items():
            out = data / title
            command("colorize", str(data / name), "-o", str(out), checkpoint, "-q", *options)
            for path in sorted(out.iterdir()):
                if path.suffix in (".png", ".tif"):
                    read = tifffile.imread if path.suffix == ".tif" else Image.open
                    yield digest_of(np.asarray(read(path))), f"command line, {title}: {path.name}"


def command(*arguments: str) -> None:
    """Run the command line in this process; what it prints is kept back, unless it fails."""
    from napari_colorize.cli import main

    before, sys.argv = sys.argv, ["napari-colorize", *arguments]
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            main()
    except SystemExit as ended:
        if ended.code:
            raise RuntimeError(f"{arguments[0]} failed: {said.getvalue()}") from None
    finally:
        sys.argv = before


PARTS = {part.__name__: part for part in (demo, pictures, stacks, trainings, evaluation, commands)}


def main() -> None:
    """Print the digests of the parts that were asked for."""
    import cv2
    import torch

    torch.set_num_threads(1)  # sums are the same whatever the machine's number of cores
    cv2.setNumThreads(1)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as home:
        os.environ["NAPARI_COLORIZE_HOME"] = home  # nobody's own weights
        for part in sys.argv[1:] or PARTS:
            # Lightning and bars of progress print too; stdout is for the digests.
            with contextlib.redirect_stdout(sys.stderr):
                lines = list(PARTS[part]())
            for digest, name in lines:
                print(digest, name, flush=True)


if __name__ == "__main__":
    main()
