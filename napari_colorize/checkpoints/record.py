"""What is known about a set of weights: a frozen dataclass, kept as JSON beside the file."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from napari_colorize.checkpoints.errors import CheckpointError
from napari_colorize.checkpoints.validation import check_record

UNGRADED = "Not graded yet: see docs/training.md."
"""The known failure of weights fresh from a training; it goes when scores are recorded."""


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
            said = (str(error).splitlines() or [type(error).__name__])[0]
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
