"""Weights from a file, without ever running what is in it.

The bytes are read once, their SHA-256 is compared, their kind is told from their content (never
from the file's name), and only then are they deserialised: safetensors, or PyTorch's own format
with ``weights_only=True``. Half-precision numbers are widened to float32.

One trunk is stored once. A checkpoint may name a *lender*, another weights file in the same folder,
whose tensors under one prefix are its own tensors under another. Both files are checked by their
hashes, so a lender that was replaced is noticed before anything is loaded.
"""

from __future__ import annotations

import io
import json
import pickle
import re
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorize.checkpoints.errors import CheckpointError
from napari_colorize.storage import digest, digest_of_file

if TYPE_CHECKING:
    import torch


_LONGEST_HEADER = 100_000_000


def read_bytes(path: Path) -> bytes:
    """Read the weights file, or say why that is not possible."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise CheckpointError(
            f"The weights file {path} does not exist. Check the path, or fetch or import the "
            "weights again."
        ) from error
    except OSError as error:
        raise CheckpointError(
            f"The weights file {path} cannot be read: {error.strerror}."
        ) from error


def check_digest(content: bytes, expected: str, name: str, size_bytes: int = 0) -> None:
    """Compare the SHA-256 of `content` with `expected` (64 digits, or a published prefix)."""
    found = digest(content)
    if not expected or found.startswith(expected):
        return
    refuse_other_content(content, name)
    # Told apart by length first: a half-copied file is the common case.
    if size_bytes and len(content) < size_bytes:
        raise CheckpointError(
            f"{name} is cut short: {len(content):,} of {size_bytes:,} bytes. Copy or download it "
            "again."
        )
    raise CheckpointError(
        f"{name} is not the file its record describes: its SHA-256 starts with {found[:12]}, "
        f"expected {expected[:12]}. It was changed or damaged; it is not loaded. Get it again."
    )


def refuse_other_content(content: bytes, name: str) -> None:
    """Raise where the bytes are plainly something else than weights, saying what they are."""
    if not content:
        raise CheckpointError(f"{name} is empty. Copy or download the weights again.")
    start = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body", b"<!--")):
        raise CheckpointError(
            f"{name} is a web page, not weights: the download link answered with a page (an "
            "error, a log-in or a preview). Download the file itself again."
        )
    if start.startswith(b"version https://git-lfs"):
        raise CheckpointError(
            f"{name} is a Git LFS pointer, not the weights it stands for. Fetch the real file "
            "with `git lfs pull` or download it."
        )


def parse(content: bytes, name: str) -> dict[str, torch.Tensor]:
    """Deserialise weights without running any code in them.

    Parameters
    ----------
    content : bytes
        The whole file.
    name : str
        What the messages call it.

    Returns
    -------
    dict of str to torch.Tensor
        CPU tensors; floating ones as float32, counters and indices as stored.

    Raises
    ------
    CheckpointError
        The bytes are not weights, are cut short, or would run code when loaded.
    """
    refuse_other_content(content, name)
    # A safetensors file begins with a length, which may look like anything, then its table.
    if content.startswith((b"PK\x03\x04", b"\x80")) and content[8:9] != b"{":
        state = _parse_torch(content, name)
    else:
        state = _parse_safetensors(content, name)
    return {key: _widened(tensor, key, name) for key, tensor in state.items()}


def _parse_safetensors(content: bytes, name: str) -> dict[str, torch.Tensor]:
    _check_safetensors_length(content, name)
    import safetensors.torch

    try:
        return safetensors.torch.load(content)
    except Exception as error:
        raise CheckpointError(f"{name} is not a valid safetensors file: {error}.") from error


def _check_safetensors_length(content: bytes, name: str) -> None:
    # The library's own message for a cut file is "MetadataIncompleteBuffer"; this one helps.
    unknown = CheckpointError(
        f"{name} is neither a safetensors file nor PyTorch weights. Check that this is the "
        "weights file itself."
    )
    if len(content) < 8:
        raise unknown
    (header_length,) = struct.unpack("<Q", content[:8])
    if not 2 <= header_length <= _LONGEST_HEADER or content[8:9] != b"{":
        raise unknown
    cut = f"{name} is cut short: it has {len(content):,} bytes, and "
    again = " Copy or download it again."
    if len(content) < 8 + header_length:
        raise CheckpointError(f"{cut}its table of contents alone needs more.{again}")
    try:
        header = json.loads(content[8 : 8 + header_length])
        ends = [entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__"]
        expected = 8 + header_length + max(ends, default=0)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise unknown from error
    if len(content) < expected:
        raise CheckpointError(f"{cut}{expected:,} are expected.{again}")


def _parse_torch(content: bytes, name: str) -> dict[str, torch.Tensor]:
    import torch

    if content.startswith(b"PK") and not zipfile.is_zipfile(io.BytesIO(content)):
        raise CheckpointError(f"{name} is cut short. Copy or download it again.")
    _refuse_swollen(content, name)
    try:
        loaded = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{name} holds more than tensors: loading it would run code that is stored in the "
            "file, so it is refused. Ask its author for a plain state dict or a safetensors file."
        ) from error
    except Exception as error:
        raise CheckpointError(
            f"{name} cannot be read as PyTorch weights ({type(error).__name__}). It may be cut "
            "short or damaged; copy or download it again."
        ) from error
    return _state_dict_in(loaded, name)


def _refuse_swollen(content: bytes, name: str) -> None:
    """Refuse a zip file that is larger inside than out; PyTorch stores, and never deflates."""
    if not content.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise CheckpointError(f"{name} is damaged. Copy or download it again.") from error
    inside = sum(member.file_size for member in members)
    stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
    if not stored or inside > len(content):
        raise CheckpointError(
            f"{name} is a compressed archive: its {len(content):,} bytes would become {inside:,}. "
            "PyTorch writes weights uncompressed; unpack them, or ask their author for the file "
            "that torch.save wrote."
        )


def _state_dict_in(loaded: object, name: str) -> dict[str, torch.Tensor]:
    import torch

    if isinstance(loaded, dict) and isinstance(loaded.get("state_dict"), dict):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, dict) or not loaded:
        raise CheckpointError(f"{name} holds no named tensors, so it is not a state dict.")
    others = [str(key) for key, value in loaded.items() if not isinstance(value, torch.Tensor)]
    if others:
        raise CheckpointError(
            f"{name} holds entries that are not tensors ({', '.join(others[:5])}), so it is not "
            "a state dict. Save only `model.state_dict()`."
        )
    return {str(key): value for key, value in loaded.items()}


def _widened(tensor: torch.Tensor, key: str, name: str) -> torch.Tensor:
    import torch

    if tensor.is_complex() or tensor.is_quantized or tensor.is_sparse:
        raise CheckpointError(
            f"{name}: the tensor {key!r} is not a plain array of real numbers ({tensor.dtype})."
        )
    if not tensor.is_floating_point():
        return tensor
    widened = tensor.to(torch.float32).contiguous()
    if not torch.isfinite(widened).all():
        raise CheckpointError(
            f"{name}: the tensor {key!r} holds NaN or infinite numbers; these weights are "
            "damaged or come from a training that diverged."
        )
    return widened


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


def read_borrowed(borrowed: Mapping[str, str], folder: Path) -> dict[str, torch.Tensor]:
    """Return the tensors that a checkpoint in `folder` borrows, under its own names.

    Raises
    ------
    CheckpointError
        (a ``ValueError``) The lender is missing, or not the file that it was.
    """
    if not borrowed:
        return {}
    content = read_bytes(folder / borrowed["file"])
    check_digest(content, borrowed["sha256"], borrowed["file"])
    prefix, theirs = borrowed["prefix"], borrowed["lender_prefix"]
    return {
        prefix + key.removeprefix(theirs): tensor
        for key, tensor in parse(content, borrowed["file"]).items()
        if key.startswith(theirs)
    }


def lend(
    state: Mapping[str, torch.Tensor], lender: Path, lender_prefix: str, prefix: str
) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
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
