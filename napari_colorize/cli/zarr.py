"""``napari-colorize colorize-zarr``: an OME-Zarr into another one, on one machine or on many."""

import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from napari_colorize.cli.colorize import INTERRUPTED, terminated_like_interrupted
from napari_colorize.cli.options import parameter_options, take_parameters
from napari_colorize.sequences.parameters import StackParameters


class _Part(click.ParamType):
    """``i/n``: one part of many."""

    name = "i/n"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return (i, n)."""
        if isinstance(value, tuple):
            return value
        try:
            i, n = (int(part) for part in str(value).split("/"))
        except ValueError:
            self.fail(
                f"{value!r} is no part; give for example 0/3, the first of three.", param, ctx
            )
        if not 0 <= i < n:
            self.fail(f"{value!r} is no part: {n} parts are counted from 0 to {n - 1}.", param, ctx)
        return i, n


@click.command("colorize-zarr")
@click.argument("source", metavar="IN.zarr")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUT.zarr",
    type=click.Path(path_type=Path),
    help="Folder of the result. If this job was stopped, it goes on.",
)
@parameter_options
@click.option(
    "--consistency",
    type=click.FloatRange(0, 1),
    help="How firmly colour is held along the axis; 0: each plane for itself.  [default: 0.75]",
)
@click.option(
    "--axis",
    type=click.Choice(["auto", "t", "z", "none"]),
    default="auto",
    help="Along which colour is held; auto: t where there are several, else z.",
)
@click.option("--channel", "channels", type=int, multiple=True, help="Colour this one; may repeat.")
@click.option("--clipped", is_flag=True, help="Write labels of colours that were moved into sRGB.")
@click.option("--uncertainty", is_flag=True, help="Write an image of the uncertainty.")
@click.option("--chunk", type=click.IntRange(16), default=512, help="Side of a chunk in pixels.")
@click.option(
    "--shard", type=click.IntRange(16), default=2048, help="Side of a file of chunks in pixels."
)
@click.option(
    "--workers", type=click.IntRange(0), help="Processes on this machine.  [default: one a core]"
)
@click.option("--scheduler", metavar="ADDRESS", help="A dask scheduler that runs already.")
@click.option("--job", type=_Part(), help="Part i of n, without any scheduler: for array jobs.")
@click.option(
    "--finalize", is_flag=True, help="After all parts of --job: pyramid and metadata alone."
)
@click.option("-q", "--quiet", is_flag=True, help="Say only what went wrong.")
def command(
    source: str,
    output: Path,
    consistency: float | None,
    axis: str,
    channels: tuple[int, ...],
    workers: int | None,
    scheduler: str | None,
    job: tuple[int, int] | None,
    finalize: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Colour an OME-Zarr of any size into another; after any kill, the same command goes on.

    IN.zarr is an image or a plate, 0.4 or 0.5, a bare zarr array, or a grey TIFF. What is done is
    kept in OUT.zarr.work until all is. The exit status is 0 if all went well, 1 if pieces failed,
    130 after Ctrl-C.
    """
    if sum(way is not None for way in (workers, scheduler, job)) > 1 or (finalize and job):
        raise click.UsageError(
            "Give one of --workers, --scheduler and --job; --finalize by itself."
        )
    layout = {name: given.pop(name) for name in ("clipped", "uncertainty", "chunk", "shard")}
    any_method = given["method"] is None
    chosen = take_parameters(given)
    values = {option.name: getattr(chosen, option.name) for option in fields(chosen)}
    if any_method and chosen.checkpoint is not None:
        from napari_colorize import checkpoints

        values["method"] = checkpoints.method_of(chosen.checkpoint)
    if consistency is not None:
        values["consistency"] = consistency
    options = layout | {
        "axis": None if axis == "none" else axis,
        "channels": list(channels) or None,
        "parameters": StackParameters(**values),
        "job": job,
        "workers": 0 if finalize or job or scheduler else workers,
    }
    try:
        with terminated_like_interrupted():
            _run(source, output, scheduler, quiet, options)
    except KeyboardInterrupt:
        click.echo(f"Stopped; the same command goes on with {output}.", err=True)
        raise SystemExit(INTERRUPTED) from None


def _run(
    source: str, output: Path, scheduler: str | None, quiet: bool, options: dict[str, Any]
) -> None:
    from tqdm import tqdm

    from napari_colorize.volumes.run import colorize_zarr

    client = None
    if scheduler is not None:
        from dask.distributed import Client

        client = Client(scheduler)
        if not quiet:
            click.echo(f"dask: {client.dashboard_link}", err=True)
    with tqdm(
        total=1000,
        disable=True if quiet else None,
        file=sys.stderr,
        bar_format="{l_bar}{bar}| {postfix}",
    ) as bar:

        def show(share: float, stage: str) -> None:
            bar.set_postfix_str(stage, refresh=False)
            bar.update(round(1000 * share) - bar.n)

        made = colorize_zarr(source, output, client=client, progress=show, **options)
    if not quiet:
        click.echo(str(made))
