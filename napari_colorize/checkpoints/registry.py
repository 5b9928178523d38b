"""Which weights there are, and which of them are on this machine.

Records come from two folders: the one shipped inside the package and the user's own
(`napari_colorize.checkpoints.home`). A user's record takes the place of a packaged *offer to
download* of the same name; it never hides shipped weights.
"""

import shutil
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from napari_colorize.checkpoints.errors import CheckpointError, Remedy
from napari_colorize.checkpoints.home import checkpoints_folder
from napari_colorize.checkpoints.record import CheckpointRecord, is_valid_name
from napari_colorize.storage import slug, write_whole

SHIPPED_RECORDS = Path(__file__).parent / "records"
SHIPPED_WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class Entry:
    """A record, where its weights lie (None for an offer to download), and its own file."""

    record: CheckpointRecord
    weights: Path | None
    described_in: Path | None = None

    @property
    def installed(self) -> bool:
        """Whether the weights file is on this machine (its content is not checked here)."""
        return self.weights is not None and self.weights.is_file()


def available() -> tuple[CheckpointRecord, ...]:
    """Return the records whose weights are on this machine: shipped first, newest first."""
    return tuple(entry.record for entry in entries() if entry.installed)


def known() -> tuple[CheckpointRecord, ...]:
    """Return all records: those of `available`, then those that could be downloaded."""
    return tuple(entry.record for entry in entries())


def record(name: str) -> CheckpointRecord:
    """Return the record called `name`.

    Raises
    ------
    CheckpointError
        (a ``ValueError``) No such record, or it cannot be read; the names there are, are listed.
    """
    return find(name).record


def default_for(method: str) -> CheckpointRecord:
    """Return the weights to use for `method` when the user names none.

    Shipped weights come before downloaded and imported ones, newer before older; of those shipped
    for one method, the one that is called like it comes first.

    Raises
    ------
    CheckpointError
        (a ``ValueError``) No weights for this method are on this machine.
    """
    for candidate in available():
        if candidate.method == method:
            return candidate
    offers = [r.name for r in known() if r.method == method]
    raise CheckpointError(
        f"There are no weights for the method {method!r} on this machine.",
        Remedy.FETCH_OR_IMPORT if offers else Remedy.IMPORT,
        name=offers[0] if offers else "",
    )


def find(name: str) -> Entry:
    """Return the registry's entry called `name`; errors as in `record`."""
    found = _scan()
    for entry in found.entries:
        if entry.record.name == name:
            return entry
    if name in found.problems:
        raise CheckpointError(found.problems[name])
    names = ", ".join(entry.record.name for entry in found.entries)
    raise CheckpointError(
        f"There is no checkpoint called {name!r}. "
        + (f"Known: {names}." if names else "No checkpoints are known on this machine.")
    )


def why_not(name: str, directory: str | Path | None = None) -> str:
    """Say why new weights cannot be called so; empty where they can. Forms ask at every key.

    Parameters
    ----------
    name : str
        Wanted.
    directory : str or Path, optional
        Where the weights are to go; the user's own folder of weights if left out.
    """
    if not name:
        return "Give the weights a name."
    if not is_valid_name(name):
        better = slug(name)
        hint = f", such as {better!r}" if is_valid_name(better) else ""
        return (
            f"{name!r} cannot name weights: use up to 64 lower-case letters, digits, '.', '_' and "
            f"'-', beginning with a letter or digit{hint}."
        )
    folder = Path(directory) if directory is not None else checkpoints_folder()
    files = (folder / f"{name}{suffix}" for suffix in (".safetensors", ".json"))
    taken = directory is None and any(record.name == name for record in known())
    if taken or any(path.exists() for path in files):
        return f"There are weights called {name!r} already; choose another name."
    return ""


def entries() -> tuple[Entry, ...]:
    """Return every readable entry, installed ones first, in the order of preference."""
    return _scan().entries


def problems() -> tuple[str, ...]:
    """Return a sentence for every record that had to be left out because it cannot be read."""
    return tuple(_scan().problems.values())


@dataclass(frozen=True)
class _Scan:
    entries: tuple[Entry, ...]
    problems: dict[str, str]


def _scan() -> _Scan:
    # Listed each time, because a download may just have added one; read only where it changed.
    found: dict[str, Entry] = {}
    problems: dict[str, str] = {}
    user = checkpoints_folder()
    for records, weights in ((SHIPPED_RECORDS, SHIPPED_WEIGHTS), (user, user)):
        for path in sorted(records.glob("*.json")):
            try:
                entry = _read_entry(path, weights)
            except CheckpointError as error:
                problems[path.stem] = str(error)
                continue
            earlier = found.get(entry.record.name)
            if earlier is None or (earlier.record.is_offer and entry.installed):
                found[entry.record.name] = entry
    return _Scan(tuple(sorted(found.values(), key=_preference)), problems)


def _read_entry(path: Path, weights_folder: Path) -> Entry:
    found = _read_record(path, *_version_of(path))
    if found.name != path.stem:
        raise CheckpointError(
            f"{path}: the record calls itself {found.name!r}; the file must be {found.name}.json."
        )
    return Entry(found, weights_folder / found.file if found.file else None, path)


def _version_of(path: Path) -> tuple[int, int]:
    """Return what changes when the file does: its time in nanoseconds and its size."""
    try:
        state = path.stat()
    except OSError as error:
        raise CheckpointError(f"The record {path} cannot be read: {error.strerror}.") from error
    return state.st_mtime_ns, state.st_size


@lru_cache(maxsize=256)
def _read_record(path: Path, modified: int, size: int) -> CheckpointRecord:
    # Reading and checking one takes half a millisecond, and a run asks for all of them twice.
    return CheckpointRecord.from_json(path)


def _preference(entry: Entry) -> tuple:
    # ISO dates sort as text; the newest first needs the order turned round.
    newest_first = tuple(-ord(letter) for letter in entry.record.created) or (0,)
    shipped_first = ("shipped", "download", "imported").index(entry.record.source)
    # Of several that are shipped for a method, the one with its plain name is meant for everything.
    special = entry.record.source == "shipped" and entry.record.name != entry.record.method
    return (not entry.installed, shipped_first, special, newest_first, entry.record.name)


def remove(name: str) -> None:
    """Delete weights of the user's own, and their record.

    Parameters
    ----------
    name : str
        In the

    Raises
    ------
    CheckpointError
        (a ``ValueError``) There are no such weights, they come with the package, or other weights
        borrow their trunk.
    """
    entry = _own(name)
    assert entry.described_in is not None
    entry.described_in.unlink()  # first: without it the weights are not seen
    if entry.weights is not None:
        entry.weights.unlink(missing_ok=True)


def rename(name: str, new: str) -> CheckpointRecord:
    """Call weights of the user's own otherwise; return their new record.

    Parameters
    ----------
    name, new : str
        The name in the registry, and one that is free.

    Raises
    ------
    CheckpointError
        (a ``ValueError``) As for :func:`remove`, or the new name cannot be had.
    """
    entry = _own(name)
    reason = why_not(new)
    if reason or entry.weights is None or entry.described_in is None:
        raise CheckpointError(reason or f"The weights {name!r} are not on this machine.")
    weights = entry.weights.with_name(f"{new}{entry.weights.suffix}")
    record = replace(entry.record, name=new, file=weights.name)
    shutil.copyfile(entry.weights, weights)  # the old ones are whole until the new ones are
    write_whole(entry.described_in.with_name(f"{new}.json"), record.to_json())
    entry.described_in.unlink()
    entry.weights.unlink()
    return record


def _own(name: str) -> Entry:
    """Return weights that may be changed: the user's own, which no others borrow from."""
    entry = find(name)
    folder = checkpoints_folder()
    if entry.described_in is None or entry.described_in.parent != folder:
        raise CheckpointError(f"{name!r} comes with the package and stays as it is.")
    borrowers = [
        other.record.name
        for other in entries()
        if other.record.borrowed.get("file") == entry.record.file
        and other.weights is not None
        and other.weights.parent == folder
    ]
    if borrowers:
        raise CheckpointError(
            f"The weights {', '.join(borrowers)} borrow their trunk from {name!r}; delete those "
            "first."
        )
    return entry
