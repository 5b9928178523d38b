"""CIFAR-10 and CIFAR-100 in their original binary files, read in place.

A file is a sequence of records: one byte of label (CIFAR-100: two), then 32 × 32 bytes of red, of
green and of blue. The files are those of ``cifar-10-binary.tar.gz``, unpacked.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SIDE = 32
PIXELS = 3 * SIDE * SIDE
"""Bytes of a picture."""
_TRAINING = re.compile(r"(data_batch_\d+|train)\.bin")
_TEST = re.compile(r"(test_batch|test)\.bin")
_PICKLED = re.compile(r"data_batch_\d+")


def decode_record(pixels: bytes) -> NDArray[np.uint8]:
    """Bring a record's three planes of bytes to (32, 32, 3) uint8 RGB."""
    planes = np.frombuffer(pixels, np.uint8).reshape(3, SIDE, SIDE)
    return np.ascontiguousarray(planes.transpose(1, 2, 0))


def is_training_file(name: str) -> bool:
    """Whether a file is called as those that CIFAR sets aside for training."""
    return _TRAINING.fullmatch(name) is not None


def is_test_file(name: str) -> bool:
    """Whether a file is called as those that CIFAR sets aside for testing."""
    return _TEST.fullmatch(name) is not None


def refuse_pickled(path: Path) -> None:
    """Raise where a file is one of CIFAR's *Python* version: a pickle can run any program.

    Raises
    ------
    ValueError
        It is; the sentence says what to take instead.
    """
    if _PICKLED.fullmatch(path.name):
        raise ValueError(
            f"{path} is of CIFAR's Python version, a pickle, which could run any program and is "
            "not read. Take the binary version (cifar-10-binary.tar.gz), unpacked."
        )


def record_offsets(path: Path) -> list[int]:
    """Return where the pixels of each picture of a binary file begin; each has `PIXELS` bytes.

    Raises
    ------
    ValueError
        Its size is not that of whole records.
    """
    size = path.stat().st_size
    labels = 2 if path.name in ("train.bin", "test.bin") else 1
    record = labels + PIXELS
    if size == 0 or size % record:
        raise ValueError(
            f"{path} holds {size} bytes, which is no whole number of CIFAR's records of {record}: "
            "it is cut short, or another kind of file. Copy it again."
        )
    return list(range(labels, size, record))
