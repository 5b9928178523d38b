"""What is graded: a named function from a grey picture to a coloured one.

Anything callable can be graded: ``GradedMethod("mine", lambda grey: my_colour(grey))``. The
function gets the ``(H, W)`` uint8 sRGB grey of the truth's lightness and returns ``(H, W, 3)``
uint8, or an object with ``rgb`` and perhaps ``uncertainty`` and ``clipped``, as
:func:`napari_colorize.colorize` does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class GradedMethod:
    """A method under evaluation.

    Parameters
    ----------
    name : str
        What the report calls it; unique in a report.
    colour : callable
        ``(H, W)`` uint8 grey → coloured picture. It must give the same result for the same input.
    settings : mapping
        Everything that its result depends on (checkpoint, hash, parameters), JSON-able. Stored in
        the report; a changed setting makes earlier results of an interrupted run unusable.
    kind : {"method", "baseline", "damaged"}
        How the report groups it.
    """

    name: str
    colour: Callable[[np.ndarray], Any] = field(repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)
    kind: str = "method"

    def __post_init__(self) -> None:
        """Refuse what could not be told apart or stored."""
        if not self.name.strip():
            raise ValueError("The method has no name; the report needs one to tell it apart.")
        if self.kind not in ("method", "baseline", "damaged"):
            raise ValueError(f"kind is {self.kind!r}; use 'method', 'baseline' or 'damaged'.")
        json.dumps(dict(self.settings))

    @property
    def key(self) -> str:
        """A short hash of name, kind and settings."""
        body = json.dumps([self.name, self.kind, dict(self.settings)], sort_keys=True)
        return hashlib.sha256(body.encode()).hexdigest()[:12]


def colorize_method(
    method: str | None = None, *, name: str | None = None, **parameters: Any
) -> GradedMethod:
    """Return :func:`napari_colorize.colorize` with fixed parameters as a graded method.

    Parameters
    ----------
    method : str, optional
        A method of :func:`napari_colorize.colorize`; that of ``checkpoint`` if left out, or
        ``"colorful"`` where neither is given.
    name : str, optional
        What the report calls it; the method and the given parameters if left out.
    **parameters
        Fields of :class:`napari_colorize.ColorizeParameters`.

    Returns
    -------
    GradedMethod
        Its settings hold every parameter as used and the weights' SHA-256.
    """
    from napari_colorize import checkpoints
    from napari_colorize.api import asked_for, colorize
    from napari_colorize.parameters import ColorizeParameters

    given = asked_for(None, method, parameters, ColorizeParameters)
    checkpoint = given.checkpoint or checkpoints.default_for(given.method).name
    record = checkpoints.load(checkpoint, "cpu").record
    used = given.resolved(record.defaults).changed(checkpoint=checkpoint)
    # The checkpoint by its name: its path would lead nowhere on another machine
    told = parameters | ({"checkpoint": record.name} if "checkpoint" in parameters else {})
    said = ", ".join(f"{key}={value}" for key, value in sorted(told.items()))
    settings = used.to_dict()
    settings["checkpoint"] = record.name
    settings["sha256"] = record.sha256

    def colour(grey: np.ndarray) -> Any:
        # 8-bit pictures: the codes are the grey itself, whatever window was meant for raw data
        return colorize(grey, parameters=used.changed(window=(0, 255)))

    plain = f"{given.method} ({said})" if said else given.method
    return GradedMethod(name or plain, colour, settings)


def methods_of(
    names: tuple[str, ...], checkpoints: tuple[str, ...], changes: tuple[str, ...]
) -> list[GradedMethod]:
    """Return one method for each name and each checkpoint, all with the same changed parameters.

    Where checkpoints are named and no method is, each is of its own.
    """
    parameters = dict(_parsed(change) for change in changes)
    weights = [{"checkpoint": checkpoint} for checkpoint in checkpoints] or [{}]
    if not names:  # weights say themselves which method they are of
        return [colorize_method(**one, **parameters) for one in weights]
    return [colorize_method(name, **one, **parameters) for name in names for one in weights]


def _parsed(change: str) -> tuple[str, Any]:
    key, equals, value = change.partition("=")
    if not equals or not key.strip():
        raise ValueError(f"--set {change} is not KEY=VALUE, such as --set vividness=0.5.")
    try:
        return key.strip(), json.loads(value)
    except ValueError:
        return key.strip(), value
