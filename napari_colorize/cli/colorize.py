"""``napari-colorize colorize``: a batch that goes on when a file fails, and says so at the end."""

import contextlib
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from napari_colorize.cli.jobs import Job, films, left_out, plan
from napari_colorize.cli.options import (
    consistency_options,
    guided_options,
    parameter_options,
    take_consistency,
    take_guided,
    take_parameters,
)
from napari_colorize.cli.sentences import debugging, reason, sentence
from napari_colorize.decoders.limits import VARIABLE as MAX_PIXELS
from napari_colorize.files import WRITABLE
from napari_colorize.parameters import BY_HAND, ColorizeParameters

INTERRUPTED = 130
"""Exit status of a program that was ended by Ctrl-C."""


@click.command("colorize")
@click.argument(
    "inputs",
    metavar="FILES|FOLDER...",
    nargs=-1,
    required=True,
    # What may not be read fails by itself, when its turn comes, and not the whole batch.
    type=click.Path(path_type=Path, readable=False),
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder for the results; for one picture also a .png, .tif or .tiff file.",
)
@parameter_options
@guided_options
@consistency_options
@click.option(
    "--uncertainty/--no-uncertainty", default=False, help="Write the uncertainty maps too."
)
@click.option("--overwrite", is_flag=True, help="Replace results that exist.")
@click.option(
    "--resume", is_flag=True, help="Leave out files whose results stand there, with their records."
)
@click.option(
    "--as-stack", is_flag=True, help="Take the pictures of a folder as the frames of one film."
)
@click.option(
    "--max-pixels",
    type=click.IntRange(1),
    help="Most pixels that one picture may have.  [default: 1073741824]",
)
@click.option("--recursive", is_flag=True, help="Look into subfolders.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what went wrong.")
def command(
    inputs: tuple[Path, ...],
    output: Path,
    uncertainty: bool,
    overwrite: bool,
    resume: bool,
    as_stack: bool,
    max_pixels: int | None,
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
    consistency, guided = take_consistency(given), take_guided(given)
    any_method = given["method"] is None
    parameters = take_parameters(given)
    if max_pixels is not None:
        os.environ[MAX_PIXELS] = str(max_pixels)
    named = output.suffix.lower() in WRITABLE and not output.is_dir()
    jobs = plan(inputs, output.parent if as_stack and named else output, recursive=recursive)
    if as_stack:
        jobs = films(jobs, output)
    others = left_out(inputs, recursive=recursive)
    parameters = _with_weights(parameters, any_method)
    options = {"consistency": consistency, "uncertainty": uncertainty, "overwrite": overwrite}
    batch = _Batch(parameters, options | {"guided": guided}, quiet=quiet, resume=resume)
    try:
        with terminated_like_interrupted():
            batch.run(jobs)
    except KeyboardInterrupt:
        batch.say(f"Stopped. {batch.summary(len(jobs))}", error=True)
        raise SystemExit(INTERRUPTED) from None
    if batch.failed or not quiet:
        batch.say(" ".join([batch.summary(len(jobs)), *batch.details(others)]), error=True)
    if batch.failed:
        raise SystemExit(1)


def _with_weights(parameters: ColorizeParameters, any_method: bool) -> ColorizeParameters:
    """Settle device, weights and method, and load them: what fails would fail for every file."""
    from napari_colorize import checkpoints
    from napari_colorize.pipeline.network import resolve_device

    device = resolve_device(parameters.device)
    if parameters.method in BY_HAND:
        return parameters.changed(device=device)
    name = parameters.checkpoint or checkpoints.default_for(parameters.method).name
    record = checkpoints.load(name, device).record
    method = record.method if any_method else parameters.method
    return parameters.changed(checkpoint=name, device=device, method=method)


class _Batch:
    """Colours jobs one after the other and counts how they ended."""

    def __init__(
        self,
        parameters: ColorizeParameters,
        options: dict[str, Any],
        *,
        quiet: bool,
        resume: bool = False,
    ) -> None:
        self.parameters = parameters
        self.options = options
        self.quiet = quiet
        self.resume = resume
        self.done = 0
        self.failed = 0
        self.before = 0
        self.reasons: Counter[str] = Counter()
        self.single = 0

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

    def details(self, others: Counter[str]) -> list[str]:
        """Say what became of the files that were not coloured, counted by reason."""
        said = []
        if self.reasons:
            counted = ", ".join(f"{n} {why}" for why, n in self.reasons.most_common())
            said.append(f"Not coloured: {counted}.")
        if self.before:
            said.append(f"{self.before} finished before.")
        if others:
            counted = ", ".join(f"{n} {suffix}" for suffix, n in sorted(others.items()))
            said.append(f"Left out, as files of other kinds: {counted}.")
        if self.single:
            many = (
                "1 file is a single picture"
                if self.single == 1
                else (f"{self.single} files are single pictures")
            )
            said.append(
                f"{many}, on which --consistency and --axis have no effect; with --as-stack the "
                "pictures of a folder are the frames of one film."
            )
        return said

    def say(self, text: str, *, error: bool = False) -> None:
        from tqdm import tqdm

        # tqdm's own writer, so that a line does not land inside the bar.
        tqdm.write(text, file=sys.stderr if error else sys.stdout)

    def _run_one(self, job: Job, bar: Any) -> None:
        from napari_colorize.cli.pages import SINGLE, colour_file, finished

        if self.resume and finished(job) is not None:
            self.before += 1
            return

        def tell(said: str) -> None:
            if said == SINGLE:
                self.single += 1
            elif not self.quiet:
                self.say(said, error=True)

        def show_page(index: int, count: int) -> None:
            if count > 1:
                bar.set_postfix_str(f"page {index + 1}/{count}", refresh=True)

        try:
            written = colour_file(
                job, self.parameters, on_page=show_page, tell=tell, **self.options
            )
        except Exception as error:  # one bad file must not end the batch
            if debugging():
                raise
            self.failed += 1
            self.reasons[reason(error)] += 1
            self.say(f"Failed: {job.source}: {sentence(error)}", error=True)
            return
        self.done += 1
        if not self.quiet:
            self.say(str(written[0]))


@contextlib.contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """Let a queue's SIGTERM, and the SIGHUP of a closed terminal, clean up as Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, interrupt)}
    hang_up = getattr(signal, "SIGHUP", None)
    if hang_up is not None and signal.getsignal(hang_up) != signal.SIG_IGN:  # not under nohup
        before[hang_up] = signal.signal(hang_up, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
