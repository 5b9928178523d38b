"""What the machine can do at best, measured beside the operators: copy, fill, read, multiply-add.

An operator's limit is the time the machine needs for the bytes it has to move or the arithmetic it
has to do, and nothing else, with the same threads and outputs, in the same turns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from bench.clock import Call, Missing

_SIDE = 1024
_EXPONENTIALS, _LANES = 512, 1 << 22


@dataclass(frozen=True)
class Limit:
    """A measured bound.

    Parameters
    ----------
    kind : {"copy", "fill", "read", "FMA", "EX2"}
    amount : float
        Bytes read and written together (copy), written (fill) or read (read); floating-point
        operations (FMA); exponentials (EX2).
    """

    kind: str
    amount: float

    def probe(self, device: str, output: str) -> tuple[Call, float]:
        """Return a call to measure, and the factor from its time to the limit's."""
        make: dict[str, Callable[..., tuple[Call, float]]] = {
            "copy": _copy,
            "fill": _fill,
            "read": _read,
            "FMA": _multiply_add,
            "EX2": _exponential,
        }
        return make[self.kind](self.amount, device, output)


def size_of(*tensors: torch.Tensor) -> int:
    """Return the bytes of tensors together."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _floats(count: float, device: str) -> torch.Tensor:
    return torch.rand(max(1, int(count) // 4), device=device)


def _copy(amount: float, device: str, output: str) -> tuple[Call, float]:
    source = _floats(amount / 2, device)
    if output == "fresh":
        return source.clone, 1.0
    target = torch.empty_like(source).copy_(source)
    return (lambda: target.copy_(source)), 1.0


def _fill(amount: float, device: str, output: str) -> tuple[Call, float]:
    target = _floats(amount, device)
    if output == "fresh":
        return (lambda: torch.empty_like(target).fill_(0.5)), 1.0
    return (lambda: target.fill_(0.5)), 1.0


def _read(amount: float, device: str, output: str) -> tuple[Call, float]:
    # A sum reads all of its input once and writes next to nothing.
    return _floats(amount, device).sum, 1.0


def _multiply_add(amount: float, device: str, output: str) -> tuple[Call, float]:
    """Take the rate of a float32 matrix product, which comes within a few per cent of the peak."""
    a, b = torch.rand(2, _SIDE, _SIDE, device=device)
    out = torch.empty_like(a)
    return (lambda: torch.mm(a, b, out=out)), amount / (2 * _SIDE**3)


def _exponential(amount: float, device: str, output: str) -> tuple[Call, float]:
    """Run chains of the GPU's exponential instruction, many at once, out of registers."""
    if device != "cuda":
        raise Missing("the rate of exponentials is measured on CUDA devices only")
    create: Any = torch.cuda.jiterator._create_jit_fn
    chain = create(
        "template <typename T> T chain(T x) {"
        f"  for (int i = 0; i < {_EXPONENTIALS}; ++i) {{"
        '    asm volatile("ex2.approx.ftz.f32 %0, %0;" : "+f"(x)); }'
        "  return x; }"
    )
    lanes = torch.rand(_LANES, device=device) - 1
    return (lambda: chain(lanes)), amount / (_EXPONENTIALS * _LANES)
