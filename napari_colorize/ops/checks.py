"""The checks that every operator makes at its door; errors say what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch


def require_tensor(name: str, value: Any, dtypes: Sequence[torch.dtype]) -> None:
    """Raise ``TypeError`` unless `value` is a dense torch tensor of one of the given types.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : object
        What was given.
    dtypes : sequence of torch.dtype
        What is accepted.
    """
    accepted = " or ".join(str(dtype).removeprefix("torch.") for dtype in dtypes)
    if not isinstance(value, torch.Tensor):
        raise TypeError(
            f"{name} must be a torch tensor ({accepted}), and a {type(value).__name__} was given. "
            "A numpy array is turned into one by torch.from_numpy(numpy.ascontiguousarray(array))."
        )
    if value.layout != torch.strided:
        raise TypeError(f"{name} must be a dense tensor; call .to_dense() on it first.")
    if value.dtype not in dtypes:
        given = str(value.dtype).removeprefix("torch.")
        raise TypeError(f"{name} must be {accepted}, and {given} was given.")
