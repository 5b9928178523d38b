"""The front door taken apart: what each stage of `colorize` takes, measured while it runs.

The stages are named functions of the package, wrapped for the time of one call, so that what is
measured is `colorize` itself and not a copy of it. A stage that is renamed makes this fail.
"""

from __future__ import annotations

import contextlib
import operator
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol
from unittest import mock

STAGES = ("window", "network", "decode", "upsample", "finish")
REST = "rest"


class Meter(Protocol):
    """Something that is read before and after a stage."""

    def start(self) -> Any:
        """Return a mark."""

    def stop(self, mark: Any) -> float:
        """Return what was used since the mark."""

    def combine(self, one: float, other: float) -> float:
        """Join two readings of one stage."""


class Clock:
    """Seconds; readings of a stage are added."""

    combine = staticmethod(operator.add)

    def start(self) -> float:
        """Read the clock."""
        return time.perf_counter()

    def stop(self, mark: float) -> float:
        """Return the seconds since the mark."""
        return time.perf_counter() - mark


class Ledger:
    """What each stage used. A stage that runs inside another belongs to the outer one.

    Parameters
    ----------
    meter : Meter
    """

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.used: dict[str, float] = {}
        self._inside = False

    def of(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function`, booked under `stage`."""

        def booked(*arguments: Any, **options: Any) -> Any:
            if self._inside:
                return function(*arguments, **options)
            with self.book(stage):
                return function(*arguments, **options)

        return booked

    @contextlib.contextmanager
    def book(self, stage: str) -> Iterator[None]:
        """Book what happens within under `stage`."""
        self._inside, mark = True, self.meter.start()
        try:
            yield
        finally:
            used = self.meter.stop(mark)
            self._inside = False
            before = self.used.get(stage)
            self.used[stage] = used if before is None else self.meter.combine(before, used)


@contextlib.contextmanager
def watched(ledger: Ledger, model: Any) -> Iterator[None]:
    """Book the stages of every `colorize` within, with `model` as the loaded checkpoint.

    The network's graph decodes inside itself; both are booked under ``network``, see
    `decode_seconds`.
    """
    from types import SimpleNamespace

    from napari_colorize import api, checkpoints, ops
    from napari_colorize.pipeline import image, plane, refine

    def graph(*arguments: Any) -> Any:
        with ledger.book("network"):
            return model.graph(*arguments)

    loaded = SimpleNamespace(graph=graph, record=model.record)
    wraps = (
        (api, "read_plane", "window"),
        (image.Plane, "lightness_at", "window"),
        (plane, "full_size_map", "upsample"),
        (refine._Refinement, "_guide_small", "upsample"),
        (refine, "resized_tensor", "upsample"),
        (ops, "finish", "finish"),
    )
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(checkpoints, "load", return_value=loaded))
        stack.enter_context(
            mock.patch.object(checkpoints, "default_for", return_value=model.record)
        )
        for owner, name, stage in wraps:
            booked = ledger.of(stage, getattr(owner, name))
            stack.enter_context(mock.patch.object(owner, name, booked))
        yield


def decode_seconds(height: int, width: int, repeats: int = 5) -> float:
    """Return the median time of `annealed_mean` on a logit grid of (height, width)."""
    import torch

    from bench.clock import Effort, in_turns
    from napari_colorize import ops
    from napari_colorize.ops.bins import NUM_BINS, bin_tensor

    logits, bins = torch.randn(1, NUM_BINS, height, width), bin_tensor()
    call = lambda: ops.annealed_mean(logits, bins)  # noqa: E731
    call()
    effort = Effort(budget=2.0, least=repeats, most=repeats)
    return in_turns({"decode": call}, effort)["decode"].seconds


def with_decoding_apart(used: dict[str, float], decode: float) -> dict[str, float]:
    """Take the decoding out of the network's time, where it was booked."""
    decode = min(decode, used.get("network", 0.0))
    return {**used, "network": used.get("network", 0.0) - decode, "decode": decode}


def with_rest(used: dict[str, float], total: float) -> dict[str, float]:
    """Add what no stage was booked for: the record, copies, checks."""
    return {**used, REST: max(0.0, total - sum(used.values()))}


def share_outside_network(used: dict[str, float]) -> float | None:
    """Return the share of the time that is not the network's, 0…1."""
    total = sum(used.values())
    return None if total <= 0 else 1 - used.get("network", 0.0) / total
