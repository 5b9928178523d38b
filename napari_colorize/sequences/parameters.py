"""What colouring a stack depends on beside the choices for a single picture."""

from dataclasses import dataclass, field
from typing import Any

from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline.network import asked_for

MAX_REACH = 8
"""Planes to either side that are asked at full consistency."""

_CONSISTENCY = {
    "help": "How firmly colour is held from plane to plane where structure continues. 0: each "
    f"plane for itself; 1: {MAX_REACH} planes to either side are asked.",
    "unit": "",
    "min": 0.0,
    "max": 1.0,
    "step": 0.125,
    "choices": None,
}


@dataclass(frozen=True, kw_only=True)
class StackParameters(ColorizeParameters):
    """How to colour a stack: the parameters of a picture, and how firmly colour is held.

    Parameters
    ----------
    consistency : float
        0…1. 0 colours each plane for itself; 1 asks 8 planes to either side; see
        :func:`reach_of`.
    **others
        Those of :class:`~napari_colorize.parameters.ColorizeParameters`. ``window`` is that of
        all planes.

    Raises
    ------
    TypeError, ValueError
        A field holds something that cannot be used; the sentence names it and what is accepted.
    """

    consistency: float = field(default=0.75, metadata=_CONSISTENCY)


def stack_parameters(
    parameters: ColorizeParameters | None, method: str | None, changes: dict[str, Any]
) -> StackParameters:
    """Return the parameters that a call's arguments amount to.

    Parameters
    ----------
    parameters : ColorizeParameters or StackParameters, optional
        All choices in one object.
    method : str, optional
        Wins over that of ``parameters``.
    changes : dict
        Single fields, which win over both.
    """
    given = parameters
    if given is not None and not isinstance(given, StackParameters):
        given = StackParameters.from_dict(given.to_dict())
    return asked_for(given, method, changes, StackParameters)


def weights_of(consistency: float) -> list[float]:
    """Return how much the planes at distance 0, 1, 2 … count; the list ends where none does.

    With the half-width ``h = 1 + 8 · consistency`` a plane at distance d counts ``1 − (d / h)²``.
    Among all weights of the same reach that sum to one, the parabola is the one whose sum of
    squared steps is least: it lets the least of what differs from plane to plane through to the
    difference of two neighbouring results.

    Parameters
    ----------
    consistency : float
        0…1.

    Returns
    -------
    list of float
        The first is 1; 1 to 9 numbers.
    """
    half_width = 1 + MAX_REACH * consistency
    weights = [1 - (distance / half_width) ** 2 for distance in range(MAX_REACH + 1)]
    return [weight for weight in weights if weight > 1e-9]


def reach_of(consistency: float) -> int:
    """Return how many planes to either side are asked, 0…8."""
    return len(weights_of(consistency)) - 1
