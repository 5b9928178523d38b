"""Sampled pixels on the disk: describing takes most of a training, and is done once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from napari_colorize.storage import staged
from napari_colorize.training.arrays import Reference
from napari_colorize.training.deep.sampled import Sampled
from napari_colorize.training.deep.settings import DeepSettings

FILE = "described.safetensors"

_DECIDES = (
    "seed",
    "size",
    "blocks",
    "semantic_classes",
    "samples",
    "most_samples_a_picture",
    "most_pictures",
    "include",
    "holdout",
)
"""Settings that decide which pixels are sampled, and what describes them."""

_TENSORS = ("descriptors", "chrominance", "first", "gist", "histogram")


def key_of(settings: DeepSettings, fingerprint: str) -> str:
    """Return what a cache must have been made with to serve: settings as used, and pictures."""
    told = settings.to_dict()
    return json.dumps({"pictures": fingerprint, **{name: told[name] for name in _DECIDES}})


def write(sampled: Sampled, path: Path, key: str) -> None:
    """Write what was sampled, whole or not at all."""
    import safetensors.torch

    told = {
        "key": key,
        "blocks": json.dumps(sampled.blocks),
        "names": json.dumps([reference.name for reference in sampled.references]),
        "unreadable": json.dumps(sampled.unreadable),
    }
    tensors = {name: getattr(sampled, name).contiguous() for name in _TENSORS}
    with staged([path], overwrite=True) as [part]:
        safetensors.torch.save_file(tensors, part, metadata=told)


def read(path: Path, key: str, references: Sequence[Reference]) -> Sampled | None:
    """Read what was sampled; None where there is nothing, or it is of another training.

    Parameters
    ----------
    path
        Of the cache.
    key
        `key_of` of the training that asks.
    references
        Its pictures.
    """
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            told: Mapping[str, Any] = file.metadata() or {}
            tensors: dict[str, torch.Tensor] = {
                name: file.get_tensor(name) for name in _TENSORS if told.get("key") == key
            }
    except (SafetensorError, OSError):
        return None  # damaged: described again
    if not tensors:
        return None
    by_name = {reference.name: reference for reference in references}
    names = json.loads(told["names"])
    if not set(names) <= set(by_name):
        return None
    return Sampled(
        **tensors,
        blocks=tuple(json.loads(told["blocks"])),
        references=tuple(by_name[name] for name in names),
        unreadable=tuple(json.loads(told["unreadable"])),
    )
