"""``napari-colorize colorize``: a batch that goes on when a file fails, and says so at the end."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from napari_colorize.cli.jobs import Job, plan
from napari_colorize.cli.options import (
    consistency_options,
    parameter_options,
    take_consistency,
    take_parameters,
)
from napari_colorize.cli.sentences import debugging, sentence
from napari_colorize.parameters import ColorizeParameters

INTERRUPTED = 130
"""Exit status of a program that was ended by Ctrl-C."""


@click.command("colorize")
@click.argument(
    "inputs",
    metavar="FILES|FOLDER...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder for the results; for one picture also a .png, .tif or .tiff file.",
)
@parameter_options
@consistency_options
@click.option(
    "--uncertainty/--no-uncertainty", default=False, help="Write the uncertainty maps too."
)
@click.option("--overwrite", is_flag=True, help="Replace results that exist.")
@click.option("--recursive", is_flag=True, help="Look into subfolders.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what went wrong.")
def command(
    inputs: tuple[Path, ...],
    output: Path,
    uncertainty: bool,
    overwrite: bool,
    recursive: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Colour PNG, JPEG and TIFF files; their lightness is kept.

    Each result NAME_colorized.png (.tif for TIFF) carries its record inside and beside it. The
    pages of a TIFF are coloured one by one and share one intensity window; with --consistency or
    --axis they are one stack, whose colours are held from page to page. The exit status is 0
    if all went well, 1 if a file failed, 130 after Ctrl-C, which leaves nothing half-written.
    """
    consistency = take_consistency(given)
    any_method = given["method"] is None
    parameters = take_parameters(given)
    jobs = plan(inputs, output, recursive=recursive)
    parameters = _with_weights(parameters, any_method)
    options = {"consistency": consistency, "uncertainty": uncertainty, "overwrite": overwrite}
    batch = _Batch(parameters, options, quiet=quiet)
    try:
        with _terminated_like_interrupted():
            batch.run(jobs)
    except KeyboardInterrupt:
        batch.say(f"Stopped. {batch.summary(len(jobs))}", error=True)
        raise SystemExit(INTERRUPTED) from None
    if batch.failed or not quiet:
        batch.say(batch.summary(len(jobs)), error=True)
    if batch.failed:
        raise SystemExit(1)


def _with_weights(parameters: ColorizeParameters, any_method: bool) -> ColorizeParameters:
    """Settle device, weights and method, and load them: what fails would fail for every file."""
    from napari_colorize import checkpoints
    from napari_colorize.pipeline.network import resolve_device

    device = resolve_device(parameters.device)
    name = parameters.checkpoint or checkpoints.default_for(parameters.method).name
    record = checkpoints.load(name, device).record
    method = record.method if any_method else parameters.method
    return parameters.changed(checkpoint=name, device=device, method=method)


class _Batch:
    """Colours jobs one after the other and counts how they ended."""

    def __init__(
        self, parameters: ColorizeParameters, options: dict[str, Any], *, quiet: bool
    ) -> None:
        self.parameters = parameters
        self.options = options
        self.quiet = quiet
        self.done = 0
        self.failed = 0

    def run(self, jobs: list[Job]) -> None:
        from tqdm import tqdm

        # `disable=None`: no bar where stderr is a file.
        off = True if self.quiet else None
        with tqdm(total=len(jobs), unit="file", disable=off, file=sys.stderr) as bar:
            for job in jobs:
                bar.set_description_str(job.source.name, refresh=True)
                self._run_one(job, bar)
                bar.update()

    def summary(self, total: int) -> str:
        text = f"{self.done} of {total} {'file' if total == 1 else 'files'} coloured"
        return f"{text}, {self.failed} failed." if self.failed else f"{text}."

    def say(self, text: str, *, error: bool = False) -> None:
        from tqdm import tqdm

        # tqdm's own writer, so that a line does not land inside the bar.
        tqdm.write(text, file=sys.stderr if error else sys.stdout)

    def _run_one(self, job: Job, bar: Any) -> None:
        from napari_colorize.cli.pages import colour_file

        def show_page(index: int, count: int) -> None:
            if count > 1:
                bar.set_postfix_str(f"page {index + 1}/{count}", refresh=True)

        try:
            written = colour_file(job, self.parameters, on_page=show_page, **self.options)
        except Exception as error:  # one bad file must not end the batch
            if debugging():
                raise
            self.failed += 1
            self.say(f"Failed: {job.source}: {sentence(error)}", error=True)
            return
        self.done += 1
        if not self.quiet:
            self.say(str(written[0]))


@contextlib.contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Let a queue's SIGTERM clean up as Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
