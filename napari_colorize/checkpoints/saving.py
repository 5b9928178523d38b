"""Write weights and their record, whole or not at all."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_colorize._version import __version__
from napari_colorize.checkpoints import registry
from napari_colorize.checkpoints.borrowing import lend
from napari_colorize.checkpoints.errors import CheckpointError, Remedy
from napari_colorize.checkpoints.home import checkpoints_folder
from napari_colorize.checkpoints.record import CheckpointRecord
from napari_colorize.storage import digest, write_whole

if TYPE_CHECKING:
    import torch

_OF_THE_WEIGHTS = frozenset(
    {
        *("name", "architecture", "options", "trained_rebalancing"),
        *("sha256", "size_bytes", "file", "borrowed"),
    }
)


def save_checkpoint(
    state: "Mapping[str, torch.Tensor]",
    record: CheckpointRecord,
    directory: str | Path,
    *,
    weights_directory: str | Path | None = None,
    half: bool = True,
    overwrite: bool = False,
    lender: tuple[str, str, str] | None = None,
) -> CheckpointRecord:
    """Write ``<name>.safetensors`` and ``<name>.json``; return the record with its hash.

    Parameters
    ----------
    state : mapping of str to torch.Tensor
        ``graph.state_dict()``.
    record : CheckpointRecord
        All that is known about the weights. ``file``, ``sha256``, ``size_bytes`` and ``version``
        are filled in here, and ``created`` where it is empty.
    directory : str or Path
        Where the record goes; it is made if needed.
    weights_directory : str or Path, optional
        Where the weights go, if not beside the record (the package keeps them apart).
    half : bool, optional
        Store matrices and kernels as float16. Vectors (biases, norm statistics) stay float32,
        which costs under one per cent of the file, as does anything float16 cannot hold.
    overwrite : bool, optional
        Replace a checkpoint of the same name.
    lender : (file, lender_prefix, prefix), optional
        Leave out the tensors whose names begin with ``prefix``: the weights file ``file`` in the
        same folder has them, under names that begin with ``lender_prefix``.

    Raises
    ------
    CheckpointError
        (a ``ValueError``) The checkpoint exists, the weights hold NaN or infinite numbers, or the
        lender's tensors are not the same.
    """
    import safetensors.torch

    directory = Path(directory)
    weights_folder = Path(weights_directory) if weights_directory else directory
    weights_path = weights_folder / f"{record.name}.safetensors"
    record_path = directory / f"{record.name}.json"
    if not overwrite and (weights_path.exists() or record_path.exists()):
        raise CheckpointError(
            f"A checkpoint called {record.name!r} is in {directory} already.",
            Remedy.OTHER_NAME_OR_REPLACE,
        )
    stored = {key: _stored(tensor, key, half) for key, tensor in state.items()}
    borrowed: dict[str, str] = {}
    if lender is not None:
        file, theirs, ours = lender
        stored, borrowed = lend(stored, weights_folder / file, theirs, ours)
    content = safetensors.torch.save(stored)
    now = datetime.now(UTC)
    complete = replace(
        record,
        file=weights_path.name,
        sha256=digest(content),
        size_bytes=len(content),
        borrowed=borrowed,
        created=record.created or now.date().isoformat(),
        version=__version__,
    )
    # The record goes last: without it the weights are not seen, so no half a checkpoint is.
    write_whole(weights_path, content)
    write_whole(record_path, complete.to_json())
    return complete


def update_record(name_or_path: str | Path, **changes: Any) -> CheckpointRecord:
    """Replace fields of a record where it lies; the weights are not touched.

    Parameters
    ----------
    name_or_path : str or Path
        As `checkpoints.load` takes it. A shipped record is changed inside the package.
    **changes
        Fields of `CheckpointRecord` that say something *about* the weights, such as ``scores``,
        ``known_failures`` or ``intended_use``.

    Returns
    -------
    CheckpointRecord
        As written.

    Raises
    ------
    CheckpointError
        (a ``ValueError``) There are no such weights, or a field cannot be replaced or is wrong.
    """
    from napari_colorize.checkpoints.loading import locate

    fixed = sorted(set(changes) & _OF_THE_WEIGHTS)
    if fixed:
        raise CheckpointError(
            f"The record's {', '.join(fixed)} belongs to the weights and cannot be changed without "
            "them; save the checkpoint anew."
        )
    entry = locate(name_or_path)
    assert entry.described_in is not None
    changed = replace(entry.record, **changes)
    write_whole(entry.described_in, changed.to_json())
    return changed


def remove(name: str) -> None:
    """Delete weights of the user's own, and their record.

    Parameters
    ----------
    name : str
        In the registry.

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
    reason = registry.why_not(new)
    if reason or entry.weights is None or entry.described_in is None:
        raise CheckpointError(reason or f"The weights {name!r} are not on this machine.")
    weights = entry.weights.with_name(f"{new}{entry.weights.suffix}")
    record = replace(entry.record, name=new, file=weights.name)
    shutil.copyfile(entry.weights, weights)  # the old ones are whole until the new ones are
    write_whole(entry.described_in.with_name(f"{new}.json"), record.to_json())
    entry.described_in.unlink()
    entry.weights.unlink()
    return record


def _own(name: str) -> registry.Entry:
    """Return weights that may be changed: the user's own, which no others borrow from."""
    entry = registry.find(name)
    folder = checkpoints_folder()
    if entry.described_in is None or entry.described_in.parent != folder:
        raise CheckpointError(f"{name!r} comes with the package and stays as it is.")
    borrowers = [
        other.record.name
        for other in registry.entries()
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


def _stored(tensor: "torch.Tensor", key: str, half: bool) -> "torch.Tensor":
    import torch

    tensor = tensor.detach().to("cpu")
    if not tensor.is_floating_point():
        # A copy, since safetensors refuses tensors that share memory.
        return tensor.contiguous().clone()
    if not torch.isfinite(tensor).all():
        raise CheckpointError(
            f"The weights {key!r} hold NaN or infinite numbers: the training diverged. They are "
            "not saved."
        )
    single = tensor.to(torch.float32)
    narrowed = single.to(torch.float16)
    if half and tensor.ndim >= 2 and torch.isfinite(narrowed).all():
        return narrowed.contiguous().clone()
    return single.contiguous().clone()
