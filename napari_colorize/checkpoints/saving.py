"""How weights come to lie in a folder: written with their record, or brought by a user.

Both are written whole or not at all. What a user brings becomes safetensors in the user's data
folder.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_colorize._version import __version__
from napari_colorize.checkpoints import loading, registry, weights
from napari_colorize.checkpoints.errors import CheckpointError, Remedy
from napari_colorize.checkpoints.home import checkpoints_folder
from napari_colorize.checkpoints.record import CheckpointRecord, is_valid_name
from napari_colorize.checkpoints.weights import lend
from napari_colorize.methods import ARCHITECTURES, CARDS, PublicLayout, method_of
from napari_colorize.storage import digest, slug, write_whole

if TYPE_CHECKING:
    import torch


_OF_THE_WEIGHTS = frozenset(
    {
        *("name", "architecture", "options", "trained_rebalancing"),
        *("sha256", "size_bytes", "file", "borrowed"),
    }
)


def save_checkpoint(
    state: Mapping[str, torch.Tensor],
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


def _stored(tensor: torch.Tensor, key: str, half: bool) -> torch.Tensor:
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


def import_file(
    path: str | Path,
    *,
    architecture: str | None = None,
    name: str | None = None,
    overwrite: bool = False,
) -> CheckpointRecord:
    """Copy a weights file into the user's data folder and make a record for it.

    A file that a known offer to download describes (by its hash) gets that offer's record; a
    safetensors file with its own record beside it keeps that; for any other the record says
    only what can be known from the file.

    Parameters
    ----------
    path : str or Path
        ``.safetensors`` or PyTorch state dict (``.pth``); code inside is never run.
    architecture : str, optional
        Key in ``methods.ARCHITECTURES``; told from the file's layout where it is left out.
    name : str, optional
        What to call the weights; by default the offer's, the record's or the file's own name.
    overwrite : bool, optional
        Replace the user's own weights of that name. Shipped ones are never replaced.

    Returns
    -------
    CheckpointRecord
        The record of the imported weights.

    Raises
    ------
    CheckpointError
        (a ``ValueError``) Not weights, not of a known architecture, or the name is taken.
    """
    path = Path(path).expanduser()
    content = weights.read_bytes(path)
    found = digest(content)
    state = weights.parse(content, path.name)
    described = (
        _described_elsewhere(path, content, found) if architecture is None else None
    ) or _plain_record(path, architecture, set(state))
    chosen = name or described.name
    if not is_valid_name(chosen):
        raise CheckpointError(
            f"{chosen!r} cannot name a checkpoint: use up to 64 lower-case letters, digits, '.', "
            "'_' and '-', starting with a letter or digit."
        )
    source = "download" if described.is_offer else "imported"
    return _install(state, replace(described, name=chosen), path.name, found, source, overwrite)


def install_download(path: Path, offer: CheckpointRecord, url: str) -> CheckpointRecord:
    """Install a downloaded file, whose hash was checked, under the name of its `offer`."""
    content = weights.read_bytes(path)
    state = weights.parse(content, offer.name)
    described = replace(offer, url=url)
    return _install(state, described, offer.name, digest(content), "download", True)


def _install(
    state: Mapping[str, torch.Tensor],
    described: CheckpointRecord,
    file_name: str,
    origin_sha256: str,
    source: str,
    overwrite: bool,
) -> CheckpointRecord:
    _refuse_shipped_name(described.name)
    graph = loading.build(described.architecture, described.options)
    renamed = _renamed(state, graph.state_dict())
    _warn_of_other_constants(graph.state_dict(), renamed, file_name)
    loading.load_into(graph, renamed, file_name, described.architecture)
    recipe = {
        **described.recipe,
        "imported_from": {"file": file_name, "sha256": origin_sha256},
    }
    # Full precision: what comes from elsewhere is kept number for number.
    return save_checkpoint(
        graph.state_dict(),
        replace(described, source=source, recipe=recipe),
        checkpoints_folder(),
        half=False,
        overwrite=overwrite,
    )


def _refuse_shipped_name(name: str) -> None:
    if (registry.SHIPPED_RECORDS / f"{name}.json").is_file():
        taken = registry.find(name)
        if taken.record.source == "shipped":
            raise CheckpointError(
                f"{name!r} is the name of weights that come with napari-colorize.",
                Remedy.OTHER_NAME,
            )


def _described_elsewhere(path: Path, content: bytes, sha256: str) -> CheckpointRecord | None:
    """Return the record of an offer with this hash, or the one beside the file, if any."""
    for candidate in registry.known():
        if candidate.is_offer and sha256.startswith(candidate.sha256):
            return candidate
    beside = path.with_suffix(".json")
    if not beside.is_file():
        return None
    own = CheckpointRecord.from_json(beside)
    weights.check_digest(content, own.sha256, path.name, own.size_bytes)
    if own.borrowed:
        raise CheckpointError(
            f"{path.name} is not whole: a part of these weights lies in {own.borrowed['file']}. "
            "Such files come with the package and work there only."
        )
    return own


def _plain_record(path: Path, architecture: str | None, keys: set[str]) -> CheckpointRecord:
    from napari_colorize._version import __version__

    method, architecture = _recognised(path.name, architecture, keys)
    return CheckpointRecord(
        name=_name_from(path.stem),
        method=method,
        architecture=architecture,
        source="imported",
        defaults={"temperature": 0.38, "vividness": 1.0, "network_size": 256},
        trained_rebalancing=1.0,
        known_failures=("Not known: the file came without a training record.",),
        intended_use="Not known: the file came without a training record.",
        licence="Not known: see where the file came from.",
        version=__version__,
    )


def _recognised(file_name: str, architecture: str | None, keys: set[str]) -> tuple[str, str]:
    if architecture is not None:
        if architecture not in ARCHITECTURES:
            loading.build(architecture, {})  # says which ones there are
        return method_of(architecture), architecture
    for known in _layouts():
        if all(mark in keys for mark in known.marks):
            return method_of(known.architecture), known.architecture
    raise CheckpointError(
        f"It cannot be told which network {file_name} belongs to.",
        Remedy.NAME_ARCHITECTURE,
        name=", ".join(sorted(ARCHITECTURES)),
    )


def _layouts() -> tuple[PublicLayout, ...]:
    return tuple(loading for card in CARDS.values() for loading in card.layouts)


def _renamed(
    state: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]
) -> dict[str, Any]:
    """Put our prefix before published keys, and fill in what such files never hold."""
    prefixes = ["", *(known.prefix for known in _layouts())]
    prefix = max(prefixes, key=lambda p: sum(p + key in expected for key in state))
    renamed: dict[str, Any] = {prefix + key: tensor for key, tensor in state.items()}
    for key, tensor in expected.items():
        # Batch counters are absent in files from before torch 0.4.1 and play no part in eval
        # mode; tensors outside the published network (bin table, class weights) are our own.
        ours = bool(prefix) and not key.startswith(prefix)
        if key not in renamed and (ours or key.endswith("num_batches_tracked")):
            renamed[key] = tensor
    return renamed


def _warn_of_other_constants(
    expected: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor], file_name: str
) -> None:
    for key in (known.prefix + fixed for known in _layouts() for fixed in known.fixed):
        if key not in expected or key not in found or found[key].shape != expected[key].shape:
            continue
        if not found[key].allclose(expected[key], rtol=0, atol=1e-3):
            warnings.warn(
                f"{file_name}: {key} is not the published table of colour bins, so the colours of "
                "these weights may be wrong.",
                UserWarning,
                stacklevel=2,
            )


def _name_from(stem: str) -> str:
    return slug(stem, "imported")
