"""Which units of a job are done: markers beside the store, each made whole or not at all.

A unit alone writes the files that it owns. Before it writes, its *done* marker and all its files
go; while it writes, a *busy* marker names the process; when all is written, *done* names the files.
So whatever a kill leaves behind, half-written files belong to a unit that is not done, and are
removed before they are read.
"""

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from napari_colorize.storage import lives, this_machine, write_whole

BEAT = 20.0
"""Seconds after which a busy marker is touched anew."""

STALE = 120.0
"""Seconds without a touch after which a process on another machine counts as dead."""


_TO_FILL = 2.0
"""Seconds between the making of a marker and the writing of its owner, at the most."""


class Busy(RuntimeError):
    """Another process works on the same unit."""


class Ledger:
    """The markers of one job.

    Parameters
    ----------
    folder : path
        Where they lie.
    target : path
        Of the store, which the names of files are relative to.
    intact : callable
        ``intact(name)`` tells whether a file of the store can be read.
    """

    def __init__(self, folder: Path, target: Path, intact: Callable[[str], bool]) -> None:
        self._done, self._busy = folder / "done", folder / "busy"
        self._target, self._intact = target, intact

    def create(self) -> None:
        """Make the folders of the markers."""
        self._done.mkdir(parents=True, exist_ok=True)
        self._busy.mkdir(parents=True, exist_ok=True)

    def facts(self, unit: str) -> dict[str, Any] | None:
        """Return what a unit said when it was done, or None."""
        try:
            return dict(json.loads((self._done / f"{unit}.json").read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return None

    def is_done(self, unit: str, owned: Sequence[str]) -> bool:
        """Tell whether a unit is done and all that it wrote is there and can be read."""
        facts = self.facts(unit)
        if facts is None:
            return False
        written = set(facts.get("files", ()))
        absent = (self._target / name for name in owned if name not in written)
        return (
            written <= set(owned)
            and not any(path.exists() for path in absent)
            and all(self._intact(name) for name in sorted(written))
        )

    @contextlib.contextmanager
    def writing(self, unit: str, owned: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Have a unit written by this process alone; it is done when the block ends well.

        Parameters
        ----------
        unit : str
            Name of the unit.
        owned : sequence of str
            Files of the store that nobody else writes.

        Yields
        ------
        dict
            Takes what is to be remembered of the unit.

        Raises
        ------
        Busy
            Another process, which lives, is at it.
        """
        (self._done / f"{unit}.json").unlink(missing_ok=True)
        facts: dict[str, Any] = {}
        with self._claimed(unit):
            for name in owned:
                (self._target / name).unlink(missing_ok=True)
            yield facts
            facts["files"] = [name for name in owned if (self._target / name).exists()]
            write_whole(self._done / f"{unit}.json", json.dumps(facts))

    @contextlib.contextmanager
    def _claimed(self, unit: str) -> Iterator[None]:
        marker = self._busy / unit
        while True:
            try:
                handle = os.open(marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
                break
            except FileExistsError:
                if _is_worked_on(marker):
                    raise Busy(
                        f"{unit} is being worked on by another process ({_owner(marker)}); two "
                        "runs of the same part are one too many."
                    ) from None
                marker.unlink(missing_ok=True)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump({"machine": this_machine(), "process": os.getpid()}, stream)
        beat = _Beat(marker)
        try:
            yield
        finally:
            beat.stop()
            marker.unlink(missing_ok=True)


class _Beat:
    """Touches a marker from time to time, so that other machines see that its owner lives."""

    def __init__(self, marker: Path) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, args=(marker,), daemon=True)
        self._thread.start()

    def _beat(self, marker: Path) -> None:
        while not self._ended.wait(BEAT):
            with contextlib.suppress(OSError):
                os.utime(marker)

    def stop(self) -> None:
        self._ended.set()


def _owner(marker: Path) -> str:
    try:
        owner = json.loads(marker.read_text(encoding="utf-8"))
        return f"process {owner['process']} of machine {owner['machine']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "unknown"


def _is_worked_on(marker: Path) -> bool:
    """Tell whether a marker's owner lives: by its process here, by its touch elsewhere."""
    try:
        owner = json.loads(marker.read_text(encoding="utf-8"))
        machine, process = str(owner["machine"]), int(owner["process"])
    except (OSError, ValueError, KeyError, TypeError):
        machine, process = "", 0  # made and not yet filled, or torn
    try:
        touched = marker.stat().st_mtime
    except OSError:
        return False  # gone meanwhile
    if machine == this_machine():
        return lives(process, touched)
    return time.time() - touched < (STALE if machine else _TO_FILL)


def refuse_failed(failed: list[str], total: int) -> None:
    """Say how many units failed, and how the first one did."""
    if failed:
        raise RuntimeError(
            f"{len(failed)} of {total} pieces failed; all others are done and kept. The first: "
            f"{failed[0]} Mend that, and run the same again."
        )
