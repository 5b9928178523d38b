"""What colouring an OME-Zarr costs beside a stack in memory, and what more workers would bring."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.progress import note

PLANES, SIDE = 12, 2048
QUICK = (4, 512)
OURS = "colorize_zarr, this process"
STACK = "colorize_stack"
MANY = (10, 100, 1000)


def rows(planes: int, side: int, workers: tuple[int, ...] = (1, 2)) -> Iterator[dict[str, Any]]:
    """Yield a JSON-able row for each way of colouring the same planes, read from the same store.

    Parameters
    ----------
    planes, side : int
        Of the z-stack, of uint16.
    workers : tuple of int
        Sizes of the local cluster.
    """
    import zarr

    from napari_colorize import colorize_stack, colorize_zarr

    folder = Path(tempfile.mkdtemp(prefix="bench-scale-"))
    try:
        source = folder / "in.zarr"
        array = zarr.create_array(
            source,
            shape=(planes, side, side),
            chunks=(1, 512, 512),
            dtype="uint16",
            dimension_names=("z", "y", "x"),
        )
        for number in range(planes):
            array[number] = _plane(number, side)
        pixels = planes * side * side
        colorize_stack(array[:1, :256, :256], axis=0)  # loads the weights

        def stack() -> None:
            out = zarr.create_array(
                folder / "stack.zarr",
                shape=(planes, side, side, 3),
                chunks=(1, 512, 512, 3),
                shards=(1, side, side, 3),
                dtype="uint8",
            )
            colorize_stack(zarr.open_array(source), axis=0, maps=False, out=out)

        note(f"scale, {STACK}")
        yield _row(STACK, 0, pixels, stack)
        for count in (0, *workers):
            note(f"scale, {count} workers")
            target = folder / f"out{count}.zarr"

            def zarr_(count: int = count, target: Path = target) -> None:
                colorize_zarr(source, target, workers=count)

            name = OURS if count == 0 else f"colorize_zarr, {count} local workers"
            yield _row(name, count, pixels, zarr_) | {
                "bytes_written": _size(target),
                "bytes_source": _size(source),
            }
        yield {"name": "a task of the scheduler", "workers": 1, "seconds": _seconds_a_task()}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _row(name: str, workers: int, pixels: int, work: Any) -> dict[str, Any]:
    began = time.perf_counter()
    work()
    return {
        "name": name,
        "workers": workers,
        "pixels": pixels,
        "seconds": time.perf_counter() - began,
    }


def _plane(number: int, side: int) -> Any:
    random = np.random.default_rng(number)
    rows, columns = np.mgrid[:side, :side] / 40
    waves = np.sin(rows + number / 10) * np.cos(columns - number / 7)
    return ((waves + 1) * 1500 + random.normal(0, 60, (side, side))).clip(0, 4095)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _seconds_a_task(tasks: int = 500) -> float:
    """Return what one empty task costs client, scheduler and worker together."""
    from dask.distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        client.gather(client.map(os.path.basename, ["warm"], pure=False))
        began = time.perf_counter()
        client.gather(client.map(os.path.basename, [str(n) for n in range(tasks)], pure=False))
        return (time.perf_counter() - began) / tasks


def as_table(found: list[dict[str, Any]]) -> str:
    """Return the measured rows, and what they amount to for many workers, as Markdown."""
    ways = [row for row in found if "pixels" in row]
    [stack] = [row for row in ways if row["name"] == STACK]
    lines = ["| | seconds | MP/s | time / colorize_stack |", "|---|---|---|---|"]
    for row in ways:
        speed = row["pixels"] / 1e6 / row["seconds"]
        lines.append(
            f"| {row['name']} | {row['seconds']:.1f} | {speed:.2f} | "
            f"{row['seconds'] / stack['seconds']:.2f} |"
        )
    [task] = [row["seconds"] for row in found if "pixels" not in row]
    [one] = [row for row in ways if row["workers"] == 1]
    written = one["bytes_written"] / one["pixels"]
    source = one["bytes_source"] / one["pixels"]
    each = one["seconds"] / one["pixels"]
    lines += [
        "",
        f"{written:.2f} bytes a pixel are written, of a source of {source:.2f}; a task costs "
        f"client and scheduler {task * 1e3:.1f} ms: both measured. From the time of one worker and "
        "that of a task, by arithmetic alone, for 100,000 megapixels in pieces of 4:",
        "",
        "| workers | hours | of which the scheduler could not be faster than |",
        "|---|---|---|",
    ]
    for count in MANY:
        tasks = 100_000 / 4
        hours = max(1e11 * each / count, tasks * task) / 3600
        lines.append(f"| {count} | {hours:.2f} | {tasks * task / 3600:.2f} |")
    return "\n".join(lines)
