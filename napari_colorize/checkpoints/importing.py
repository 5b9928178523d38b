"""Bring weights that a user already has into the user's data folder, as safetensors."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_colorize.checkpoints import layout, registry, weights
from napari_colorize.checkpoints.errors import CheckpointError, Remedy
from napari_colorize.checkpoints.home import checkpoints_folder
from napari_colorize.checkpoints.record import CheckpointRecord, is_valid_name
from napari_colorize.checkpoints.saving import save_checkpoint
from napari_colorize.methods import ARCHITECTURES, CARDS, PublicLayout, method_of
from napari_colorize.storage import digest, slug

if TYPE_CHECKING:
    import torch


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
    state: "Mapping[str, torch.Tensor]",
    described: CheckpointRecord,
    file_name: str,
    origin_sha256: str,
    source: str,
    overwrite: bool,
) -> CheckpointRecord:
    _refuse_shipped_name(described.name)
    graph = layout.build(described.architecture, described.options)
    renamed = _renamed(state, graph.state_dict())
    _warn_of_other_constants(graph.state_dict(), renamed, file_name)
    layout.load_into(graph, renamed, file_name, described.architecture)
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
            layout.build(architecture, {})  # says which ones there are
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
    return tuple(layout for card in CARDS.values() for layout in card.layouts)


def _renamed(
    state: "Mapping[str, torch.Tensor]", expected: "Mapping[str, torch.Tensor]"
) -> "dict[str, Any]":
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
    expected: "Mapping[str, torch.Tensor]", found: "Mapping[str, torch.Tensor]", file_name: str
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
