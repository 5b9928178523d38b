"""One trunk stored once: weights that leave out what another weights file beside them has.

A checkpoint may name a *lender*, another weights file in the same folder, whose tensors under one
prefix are its own tensors under another. Both files are checked by their hashes, so a lender that
was replaced is noticed before anything is loaded.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorize.checkpoints import weights
from napari_colorize.checkpoints.errors import CheckpointError
from napari_colorize.storage import digest_of_file

if TYPE_CHECKING:
    import torch

FIELDS = ("file", "sha256", "lender_prefix", "prefix")
"""What a record's ``borrowed`` says: the lender's file and hash, its prefix and one's own."""


def check_borrowed(borrowed: Mapping[str, str]) -> None:
    """Raise a `CheckpointError` unless `borrowed` is empty or says where tensors come from."""
    if not borrowed:
        return
    if set(borrowed) != set(FIELDS) or not all(isinstance(text, str) for text in borrowed.values()):
        raise CheckpointError(f"The record's borrowed must have the texts {', '.join(FIELDS)}.")
    # As for the record's own file: it must not be able to point outside its folder.
    if not re.fullmatch(r"[^/\\:.][^/\\:]*\.safetensors", borrowed["file"]):
        raise CheckpointError(
            f"The record borrows from {borrowed['file']!r}; that must be the bare name of a "
            ".safetensors file."
        )
    if not re.fullmatch(r"[0-9a-f]{64}", borrowed["sha256"]):
        raise CheckpointError("The sha256 in the record's borrowed must be 64 hex digits.")


def read_borrowed(borrowed: Mapping[str, str], folder: Path) -> "dict[str, torch.Tensor]":
    """Return the tensors that a checkpoint in `folder` borrows, under its own names.

    Raises
    ------
    CheckpointError
        (a ``ValueError``) The lender is missing, or not the file that it was.
    """
    if not borrowed:
        return {}
    content = weights.read_bytes(folder / borrowed["file"])
    weights.check_digest(content, borrowed["sha256"], borrowed["file"])
    prefix, theirs = borrowed["prefix"], borrowed["lender_prefix"]
    return {
        prefix + key.removeprefix(theirs): tensor
        for key, tensor in weights.parse(content, borrowed["file"]).items()
        if key.startswith(theirs)
    }


def lend(
    state: "Mapping[str, torch.Tensor]", lender: Path, lender_prefix: str, prefix: str
) -> "tuple[dict[str, torch.Tensor], dict[str, str]]":
    """Leave out of `state` what `lender` has; return the rest and the record's ``borrowed``.

    Parameters
    ----------
    state : mapping of str to torch.Tensor
        As it is about to be stored: rounded already.
    lender : Path
        A ``.safetensors`` file that will lie beside the new one.
    lender_prefix, prefix : str
        What the names of the common tensors begin with, there and here.

    Raises
    ------
    CheckpointError
        (a ``ValueError``) The tensors under the two prefixes are not the same, bit for bit.
    """
    import torch

    borrowed = {
        **{"file": lender.name, "sha256": digest_of_file(lender)},
        **{"lender_prefix": lender_prefix, "prefix": prefix},
    }
    lent = read_borrowed(borrowed, lender.parent)
    own = {key for key in state if key.startswith(prefix)}
    same = own == set(lent) and all(torch.equal(state[k].to(lent[k].dtype), lent[k]) for k in own)
    if not own or not same:
        raise CheckpointError(
            f"The tensors {prefix}… are not those that {lender.name} calls {lender_prefix}…, so "
            "they cannot be stored there. Store the weights whole."
        )
    return {key: tensor for key, tensor in state.items() if key not in own}, borrowed
