"""What is known about a set of weights: a frozen dataclass, kept as JSON beside the file."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any

from napari_colorize.checkpoints.borrowing import check_borrowed
from napari_colorize.checkpoints.errors import CheckpointError

UNGRADED = "Not graded yet: see docs/training.md."
"""The known failure of weights fresh from a training; it goes when scores are recorded."""

SOURCES = ("shipped", "download", "imported")
PREFIX_LENGTH = 8
"""Hex digits of a SHA-256 that an offer to download must carry at the least."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_DIGEST_PREFIX = re.compile(rf"[0-9a-f]{{{PREFIX_LENGTH},64}}")
_WEIGHT_SUFFIXES = (".safetensors", ".pth")
_TEXTS = (
    *("name", "method", "architecture", "sha256", "file", "url", "source", "hardware"),
    *("intended_use", "licence", "created", "version"),
)
_MAPPINGS = ("options", "recipe", "scores", "defaults", "borrowed")


_LARGEST_RECORD = 16 << 20
"""Bytes; those that are shipped have a few thousand."""


@dataclass(frozen=True, kw_only=True)
class CheckpointRecord:
    """The provenance, the evidence and the defaults of one set of weights.

    Parameters
    ----------
    name : str
        What the user types: lower-case letters, digits, ``.``, ``_`` and ``-``.
    method, architecture : str
        The method (``"colorful"``) and the key in ``methods.ARCHITECTURES`` that builds it.
    options : mapping
        Keyword arguments of the architecture's builder.
    sha256 : str
        Hex digest of the weights file. An offer to download may carry the published prefix of
        at least eight digits; a file on this machine always has all 64.
    size_bytes : int
        Size of the weights file; 0 where it is not known before a download.
    file : str
        Name of the weights file beside the record (no folders). Empty for an offer to download.
    borrowed : mapping
        Where tensors lie that several checkpoints share and only one file has, see `borrowing`;
        empty for weights that are whole.
    url : str
        Where the file can be, or was, downloaded from.
    source : {"shipped", "download", "imported"}
        How the weights come to a user.
    data : sequence of mappings
        The training images: each with at least ``name`` and ``licence``.
    recipe : mapping
        Everything the trainer was told.
    seed : int or None
        Random seed of the training.
    hardware : str
        What it was trained on.
    hours : float or None
        Wall-clock hours of the training.
    scores : mapping
        What `evaluation.recording.record_scores` wrote: key → [value, low, high] at the
        `defaults`, ``pictures`` and ``fingerprint`` that say on what, ``other_settings`` and
        ``compared_with``.
    defaults : mapping
        ``temperature`` (0.01…1), ``vividness`` (0…1) and ``network_size`` (short side of the
        picture that the network sees, 32…2048 pixels): what these weights were chosen with.
    trained_rebalancing : float
        0…1: the share of Zhang's class rebalancing that was in the training loss.
    known_failures : sequence of str
        Where not to trust the colours.
    intended_use, licence : str
        What the weights are for, and their terms.
    created : str
        ISO date, ``YYYY-MM-DD``.
    version : str
        The napari-colorize version that wrote the record.

    Raises
    ------
    CheckpointError
        (a ``ValueError``) A field is missing, of the wrong type or out of range.
    """

    name: str
    method: str
    architecture: str
    options: Mapping[str, Any] = field(default_factory=dict)
    sha256: str = ""
    size_bytes: int = 0
    file: str = ""
    borrowed: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    source: str = "shipped"
    data: tuple[Mapping[str, Any], ...] = ()
    recipe: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    hardware: str = ""
    hours: float | None = None
    scores: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, float] = field(default_factory=dict)
    trained_rebalancing: float = 0.0
    known_failures: tuple[str, ...] = ()
    intended_use: str = ""
    licence: str = ""
    created: str = ""
    version: str = ""

    def __post_init__(self) -> None:
        # JSON has lists only; tuples keep the frozen record from being changed in place.
        for sequence in ("data", "known_failures"):
            value = getattr(self, sequence)
            if isinstance(value, list):
                object.__setattr__(self, sequence, tuple(value))
        check_record(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "CheckpointRecord":
        """Build a record from parsed JSON, refusing unknown and missing fields by name."""
        if not isinstance(values, Mapping):
            raise CheckpointError("A checkpoint record must be a JSON object of named fields.")
        known = {f.name for f in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise CheckpointError(
                f"The checkpoint record has unknown fields: {', '.join(unknown)}. It may have "
                "been written by a newer napari-colorize; update, or remove the fields."
            )
        missing = [f for f in ("name", "method", "architecture") if f not in values]
        if missing:
            raise CheckpointError(f"The checkpoint record lacks {', '.join(missing)}.")
        return cls(**values)

    @classmethod
    def from_json(cls, path: str | Path) -> "CheckpointRecord":
        """Read a record from a JSON file; errors name the file."""
        path = Path(path)
        try:
            if path.exists() and not path.is_file():
                raise CheckpointError("it is not a file.")  # a pipe would be waited for
            if path.exists() and path.stat().st_size > _LARGEST_RECORD:
                raise CheckpointError("it is too large for a record.")
            return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise CheckpointError(f"The record {path} cannot be read: {error.strerror}.") from error
        except CheckpointError as error:
            raise CheckpointError(f"{path.name}: {error}") from error
        except RecursionError as error:
            raise CheckpointError(f"The record {path} is nested too deeply to be read.") from error
        except (ValueError, TypeError, OverflowError) as error:  # JSON, and numbers of strangers
            said = "a number in it is too large"  # Python's own words are for programmers
            if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
                said = (str(error).splitlines() or ["it is damaged"])[0]
            raise CheckpointError(f"The record {path} is not valid JSON: {said}.") from error

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON-able values."""
        return json.loads(json.dumps(asdict(self), allow_nan=False))

    def to_json(self) -> str:
        """Return the record as indented JSON text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @property
    def is_offer(self) -> bool:
        """Whether this only says where weights can be downloaded."""
        return self.source == "download" and not self.file


def is_valid_name(name: object) -> bool:
    """Return whether a checkpoint may be called `name`."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def check_record(record: CheckpointRecord) -> None:
    """Raise a `CheckpointError` that names the first field that is wrong."""
    _check_types(record)
    _check_identity(record)
    _check_file(record)
    check_borrowed(record.borrowed)
    _check_numbers(record)
    _check_json(record)


def _check_types(record: CheckpointRecord) -> None:
    for name in _TEXTS:
        if not isinstance(getattr(record, name), str):
            raise CheckpointError(f"The record's {name} must be text.")
    for name in _MAPPINGS:
        if not isinstance(getattr(record, name), Mapping):
            raise CheckpointError(f"The record's {name} must be an object of named values.")
    if not isinstance(record.data, tuple) or not all(
        isinstance(entry, Mapping) and entry.get("name") and entry.get("licence")
        for entry in record.data
    ):
        raise CheckpointError("Each entry of the record's data needs a name and a licence.")
    failures = record.known_failures
    if not isinstance(failures, tuple) or not all(isinstance(text, str) for text in failures):
        raise CheckpointError("The record's known_failures must be a list of sentences.")


def _check_identity(record: CheckpointRecord) -> None:
    if not is_valid_name(record.name):
        raise CheckpointError(
            f"{record.name!r} cannot name a checkpoint: use up to 64 lower-case letters, digits, "
            "'.', '_' and '-', starting with a letter or digit."
        )
    for required in ("method", "architecture"):
        if not getattr(record, required):
            raise CheckpointError(f"The record's {required} is empty.")
    if record.source not in SOURCES:
        raise CheckpointError(
            f"The record's source is {record.source!r}; it must be one of {', '.join(SOURCES)}."
        )
    if record.created:
        try:
            date.fromisoformat(record.created)
        except ValueError as error:
            raise CheckpointError(
                f"The record's created date {record.created!r} is not of the form YYYY-MM-DD."
            ) from error


def _check_file(record: CheckpointRecord) -> None:
    if record.file:
        # A record must not be able to point outside its own folder.
        if re.search(r"[/\\:]", record.file) or record.file.startswith("."):
            raise CheckpointError(f"The record's file {record.file!r} must be a bare file name.")
        if not record.file.endswith(_WEIGHT_SUFFIXES):
            raise CheckpointError(
                f"The record's file {record.file!r} must end in {' or '.join(_WEIGHT_SUFFIXES)}."
            )
    if record.is_offer and not record.url:
        raise CheckpointError("A record of weights to download needs their url.")
    pattern = _DIGEST_PREFIX if record.is_offer else _DIGEST
    if (record.sha256 or record.file or record.is_offer) and not pattern.fullmatch(record.sha256):
        digits = f"at least {PREFIX_LENGTH}" if record.is_offer else "64"
        raise CheckpointError(
            f"The record's sha256 must be {digits} lower-case hex digits, not {record.sha256!r}."
        )


def _check_numbers(record: CheckpointRecord) -> None:
    if not _is_integer(record.size_bytes) or record.size_bytes < 0:
        raise CheckpointError("The record's size_bytes must be a whole number of bytes.")
    if record.seed is not None and not _is_integer(record.seed):
        raise CheckpointError("The record's seed must be a whole number or null.")
    if record.hours is not None and not _is_within(record.hours, 0, 1e6):
        raise CheckpointError("The record's hours must be a number ≥ 0 or null.")
    if not _is_within(record.trained_rebalancing, 0, 1):
        raise CheckpointError("The record's trained_rebalancing must be a number from 0 to 1.")
    built_with = record.options.get("trained_rebalancing", record.trained_rebalancing)
    if built_with != record.trained_rebalancing:
        raise CheckpointError(
            f"The record's trained_rebalancing is {record.trained_rebalancing}, but its options "
            f"say {built_with!r}; only one of them can be right."
        )
    ranges = {"temperature": (0.01, 1), "vividness": (0, 1), "network_size": (32, 2048)}
    if set(record.defaults) != set(ranges):
        raise CheckpointError(
            f"The record's defaults must be exactly {', '.join(ranges)}; "
            f"it has {', '.join(sorted(record.defaults)) or 'none'}."
        )
    for name, (low, high) in ranges.items():
        if not _is_within(record.defaults[name], low, high):
            raise CheckpointError(
                f"The record's default {name} must be a number from {low:g} to {high:g}, "
                f"not {record.defaults[name]!r}."
            )
    if not _is_integer(record.defaults["network_size"]):
        raise CheckpointError("The record's default network_size must be a whole number.")


def _check_json(record: CheckpointRecord) -> None:
    try:
        json.dumps(asdict(record), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"The record of {record.name!r} holds a value that JSON cannot carry: {error}."
        ) from error


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_within(value: object, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
