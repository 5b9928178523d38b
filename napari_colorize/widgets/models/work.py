"""What the panel *Models* does with weights, in the background: verify, fetch, import.

Each is one call of :mod:`napari_colorize.checkpoints`. Knows no Qt.
"""

from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Event
from typing import Any

from napari_colorize import checkpoints
from napari_colorize.checkpoints import CheckpointRecord
from napari_colorize.widgets.shared.background import Reporter, Step, follow
from napari_colorize.widgets.shared.panel_words import in_panel_words
from napari_colorize.widgets.shared.preflight import TorchUnavailableError, load_torch

SPEAKING_ERRORS = (ValueError, TypeError, MemoryError, TorchUnavailableError)
"""Their messages are sentences written for the person at the screen."""


@dataclass(frozen=True)
class Done:
    """What was done with weights: a sentence, the record, and whether there are new ones."""

    sentence: str
    record: CheckpointRecord
    changed: bool


def verify(name: str, stop: Event) -> Generator[Step, None, Done | None]:
    """Check hash, content and layout of weights from the disk."""

    def call(reporter: Reporter, should_stop: Callable[[], bool]) -> Done:
        load_torch()
        record = checkpoints.verify(name)
        # Whole, the hash is a word that no panel can wrap; the card has all of it.
        return Done(
            f"'{name}' is intact: SHA-256 {record.sha256[:12]}…, as in its card.",
            record,
            changed=False,
        )

    return (yield from follow(_submit, call, f"Verifying '{name}'…", stop))


def fetch(name: str, size_bytes: int, stop: Event) -> Generator[Step, None, Done | None]:
    """Download weights; ``size_bytes`` helps where the server does not say how much there is."""

    def call(reporter: Reporter, should_stop: Callable[[], bool]) -> Done:
        def progress(done: int, total: int | None) -> None:
            whole = total or size_bytes
            of = f" of {megabytes(whole)}" if whole else ""
            share = min(done / whole, 1.0) if whole else None
            # What follows the last byte (hash, layout) has no share of its own.
            text = "Checking…" if share == 1.0 else f"Fetching '{name}': {megabytes(done)}{of}"
            reporter.note(share, text)

        load_torch()
        record = checkpoints.fetch(name, progress=progress, should_stop=should_stop)
        return Done(f"'{name}' is on this machine, and its hash is right.", record, changed=True)

    return (yield from follow(_submit, call, f"Connecting for '{name}'…", stop))


def import_file(
    path: Path, name: str | None, architecture: str | None, stop: Event
) -> Generator[Step, None, Done | None]:
    """Copy a weights file into the user's data folder; no code in it is run."""

    def call(reporter: Reporter, should_stop: Callable[[], bool]) -> Done:
        load_torch()
        record = checkpoints.import_file(path, name=name, architecture=architecture)
        return Done(f"Imported {path.name} as '{record.name}'.", record, changed=True)

    return (yield from follow(_submit, call, f"Importing {path.name}…", stop))


def sentence_of(error: Exception) -> str:
    """Return what to show of an error, in the words of the panel."""
    if not isinstance(error, SPEAKING_ERRORS) or not str(error):
        return f"Working with the weights failed: {type(error).__name__}: {error}"
    return in_panel_words(str(error), in_models=True)


def megabytes(size_bytes: int) -> str:
    """Return a file's size in words; a dash where it is not known."""
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes else "–"


@cache
def _executor() -> ThreadPoolExecutor:
    # One thread, so that two downloads never write to the same file; not the one that colours,
    # since a slow connection must not keep anybody from colouring.
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="napari-colorize-weights")


def _submit(function: Any, *args: Any) -> Future:
    return _executor().submit(function, *args)
