"""What the panel *Models* does with weights, in another thread: verify, fetch, import.

Each is one call of :mod:`napari_colorize.checkpoints`. Knows no Qt.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from napari_colorize import checkpoints
from napari_colorize.checkpoints import CheckpointRecord
from napari_colorize.widgets.shared.preflight import load_torch

Progress = Callable[[float | None, str], None]
ShouldStop = Callable[[], bool]


@dataclass(frozen=True)
class Done:
    """What was done with weights: a sentence, the record, and whether there are new ones."""

    sentence: str
    record: CheckpointRecord
    changed: bool


def verify(name: str, progress: Progress, should_stop: ShouldStop) -> Done:
    """Check hash, content and layout of weights from the disk."""
    progress(None, f"Verifying '{name}'…")
    load_torch()
    record = checkpoints.verify(name)
    # Whole, the hash is a word that no panel can wrap; the card has all of it.
    sentence = f"'{name}' is intact: SHA-256 {record.sha256[:12]}…, as in its card."
    return Done(sentence, record, changed=False)


def fetch(name: str, size_bytes: int, progress: Progress, should_stop: ShouldStop) -> Done:
    """Download weights; ``size_bytes`` helps where the server does not say how much there is."""

    def note(done: int, total: int | None) -> None:
        whole = total or size_bytes
        of = f" of {megabytes(whole)}" if whole else ""
        share = min(done / whole, 1.0) if whole else None
        # What follows the last byte (hash, layout) has no share of its own.
        progress(
            share, "Checking…" if share == 1.0 else f"Fetching '{name}': {megabytes(done)}{of}"
        )

    progress(None, f"Connecting for '{name}'…")
    load_torch()
    record = checkpoints.fetch(name, progress=note, should_stop=should_stop)
    return Done(f"'{name}' is on this machine, and its hash is right.", record, changed=True)


def import_file(
    path: Path,
    name: str | None,
    architecture: str | None,
    progress: Progress,
    should_stop: ShouldStop,
) -> Done:
    """Copy a weights file into the user's data folder; no code in it is run."""
    progress(None, f"Importing {path.name}…")
    load_torch()
    record = checkpoints.import_file(path, name=name, architecture=architecture)
    return Done(f"Imported {path.name} as '{record.name}'.", record, changed=True)


def megabytes(size_bytes: int) -> str:
    """Return a file's size in words; a dash where it is not known."""
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes else "–"
