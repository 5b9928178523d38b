"""What is compared: an operator at a size, those who can do it, its limit and the right answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from bench.allocator import OUTPUTS
from bench.clock import Call, Missing
from bench.limits import Limit

Inputs = dict[str, Tensor]

OURS = "ours"
COLUMNS = (
    *("OpenCV", "OpenCV uint8", "scikit-image", "kornia", "cKDTree", "cdist + topk"),
    *("ball tree", "SciPy LU", "pyamg + BiCGSTAB", "torch eager", "torch.compile", "CuPy"),
)
"""The peers, in the order of the table."""


@dataclass(frozen=True)
class Contender:
    """One way to compute an operator.

    Parameters
    ----------
    column : str
        `OURS` or one of `COLUMNS`. Of several in one column the fastest stands in the table.
    bind : callable
        From the inputs to a call without arguments. Conversions to the contender's own layout are
        done here and not measured. Raises `Missing` or ``ImportError`` where it cannot be run.
    read : callable
        From what the call returns to a float64 tensor in the form of the case's reference.
    variant : str
        Tells contenders of one column apart.
    devices : sequence of str
        Types of devices it runs on.
    warmups : int
        Calls before the clock runs; a compiler needs two.
    """

    column: str
    bind: Callable[[Inputs], Call]
    read: Callable[[Any], Tensor]
    variant: str = ""
    devices: Sequence[str] = ("cpu",)
    warmups: int = 1

    @property
    def name(self) -> str:
        """Unique within a case."""
        return f"{self.column} ({self.variant})" if self.variant else self.column


@dataclass(frozen=True)
class Case:
    """An operator at one size.

    Parameters
    ----------
    operator, size : str
        As the table shows them.
    pixels : int
        Pixels of the result.
    inputs : callable
        ``inputs(device, seed)``: the tensors that contenders are bound to.
    contenders : sequence of Contender
        Ours first.
    limit : callable
        From the inputs and the device to what bounds the operator there.
    reference : callable
        From the inputs to the right answer in float64.
    error : callable
        ``error(found, wanted)``: a number, 0 where they are equal.
    error_name : str
        What that number is, with its unit.
    outputs : sequence of str
        Kinds of outputs worth a row of their own, see `bench.allocator`.
    """

    operator: str
    size: str
    pixels: int
    inputs: Callable[[str, int], Inputs]
    contenders: Sequence[Contender]
    limit: Callable[[Inputs], Limit]
    reference: Callable[[Inputs], Tensor]
    error: Callable[[Tensor, Tensor], float]
    error_name: str
    outputs: Sequence[str] = OUTPUTS


@dataclass(frozen=True)
class Operator:
    """An operator and the sizes it is measured at.

    Parameters
    ----------
    name : str
        As in the table and for ``--only``.
    case : callable
        From a side length to a `Case`.
    sizes, quick : sequence of int
        Side lengths of the long and of the short run.
    exact_at : int
        Side length at which contenders are compared with the reference.
    """

    name: str
    case: Callable[[int], Case]
    sizes: Sequence[int]
    quick: Sequence[int]
    exact_at: int


def bound(contender: Contender, inputs: Inputs) -> Call:
    """Bind a contender; every way of not having it becomes `Missing`.

    Raises
    ------
    Missing
    """
    try:
        return contender.bind(inputs)
    except ImportError as error:
        raise Missing(f"not installed ({error.name or error})") from error


def largest_difference(found: Tensor, wanted: Tensor) -> float:
    """Return the largest absolute difference; NaN where either holds NaN."""
    return float((found.double() - wanted).abs().max())


def largest_share(found: Tensor, wanted: Tensor) -> float:
    """Return the largest difference in (1, C, H, W), as a share of its plane's largest value."""
    difference = (found.double() - wanted).abs().amax((0, 2, 3))
    return float((difference / wanted.abs().amax((0, 2, 3)).clamp(min=1e-30)).max())


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function under ``torch.compile``, for the one shape it will see."""
    import torch

    # Compiled code is bound to shape and number of threads; past this limit dynamo would run
    # eagerly without a word.
    torch._dynamo.config.recompile_limit = 1 << 16
    torch._dynamo.config.accumulated_recompile_limit = 1 << 16
    return torch.compile(function, dynamic=False)
