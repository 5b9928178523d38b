"""Colour that spreads from marked pixels up to the edges of lightness: Levin's colorization.

Everything here is also an operator of ``torch.ops.napari_colorize``.
"""

from __future__ import annotations

import torch
from torch import Tensor

from napari_colorize.ops.bindings import Operator
from napari_colorize.ops.checks import require_tensor
from napari_colorize.ops.library import load
from napari_colorize.ops.twins import levin as twins

_FLOATS = (torch.float32, torch.float64)


def levin_propagate(
    luma: Tensor,
    chroma: Tensor,
    mask: Tensor,
    *,
    walls: Tensor | None = None,
    prior: Tensor | None = None,
    certainty: Tensor | None = None,
    tolerance: float = 0.25,
    cycles: int = 60,
    stop: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Spread the colours of marked pixels over the image, up to the edges of luma.

    Levin, Lischinski and Weiss, "Colorization using optimization" (SIGGRAPH 2004), section 2: each
    pixel that is not marked is the mean of its eight neighbours, weighted by
    ``exp(−(Y_s − Y_r)² / σ_r)``, where σ_r is the largest of 0.6 times the variance of luma in the
    window of 3 × 3 pixels, the least squared difference to a neighbour divided by ln 100, and 2e-6.
    With a prior, a pixel is the mean of its neighbours (weight 1 together) and of its prior
    (weight `certainty`).

    Parameters
    ----------
    luma : torch.Tensor
        ``(N, 1, H, W)`` float32 or float64 in [0, 1]; L* is divided by 100 first.
    chroma : torch.Tensor
        ``(N, C, H, W)``, same dtype: colours where `mask` is true; elsewhere a start, which costs
        or saves cycles and does not change what is approached. Any colour space.
    mask : torch.Tensor
        ``(N, 1, H, W)`` bool: the marked pixels. Each component of the image that walls leave must
        have one, or a certainty above 0, for its colour to be determined at all.
    walls : torch.Tensor, optional
        ``(N, 1, H, W)`` bool: pixels that colour does not pass. They count as outside the image and
        keep the value they have in `chroma`.
    prior, certainty : torch.Tensor, optional
        ``(N, C, H, W)`` and ``(N, 1, H, W)``, same dtype, given together: where colours are drawn
        to, and how strongly; 0 is Levin's own system.
    tolerance : float
        Stop when no pixel is expected to change by more than this, in the units of `chroma`.
    cycles : int
        Stop after so many cycles at the latest; 1 gives a preview.
    stop : torch.Tensor, optional
        One bool on the CPU. Another thread may set it to true, to have the call return soon, with
        colours that are of no use. It is looked at several times a cycle.

    Returns
    -------
    torch.Tensor
        ``(N, C, H, W)``: marked pixels and walls as given, all others within the range of the
        marked pixels' values (and of the prior's).
    torch.Tensor
        ``(N, C)`` float64: the largest change that is still to be expected.

    Raises
    ------
    TypeError
        If an argument is not a tensor of the types above.
    ValueError
        For shapes that do not go together, settings out of range, values that are not finite, no
        marked pixel in an image without certainty, or an argument that requires grad.

    Examples
    --------
    >>> luma = torch.zeros(1, 1, 4, 6)
    >>> luma[..., 3:] = 0.5
    >>> chroma, mask = torch.zeros(1, 1, 4, 6), torch.zeros(1, 1, 4, 6, dtype=torch.bool)
    >>> mask[..., 0], mask[..., 5] = True, True
    >>> chroma[..., 0], chroma[..., 5] = 40.0, -20.0
    >>> colours, _ = levin_propagate(luma, chroma, mask, tolerance=0.01)
    >>> colours[0, 0, 1].round().int().tolist()
    [40, 40, 40, -20, -20, -20]
    """
    for label, plane in (
        ("luma", luma),
        ("chroma", chroma),
        ("prior", prior),
        ("certainty", certainty),
    ):
        if plane is not None:
            require_tensor(label, plane, _FLOATS)
    require_tensor("mask", mask, (torch.bool,))
    for label, plane in (("walls", walls), ("stop", stop)):
        if plane is not None:
            require_tensor(label, plane, (torch.bool,))
    twins.check_levin(luma, chroma, mask, walls, prior, certainty, tolerance, cycles, stop)
    _check_values(luma, chroma, mask, prior, certainty)
    if torch.is_grad_enabled() and any(
        plane is not None and plane.requires_grad for plane in (luma, chroma, prior, certainty)
    ):
        raise ValueError(
            "levin_propagate has no gradient, and an argument requires one: call it under "
            "torch.no_grad() or on a detached tensor."
        )
    load()
    colours: tuple[Tensor, Tensor] = torch.ops.napari_colorize.levin_propagate(
        luma, chroma, mask, walls, prior, certainty, tolerance, cycles, stop
    )
    return colours


def _check_values(
    luma: Tensor, chroma: Tensor, mask: Tensor, prior: Tensor | None, certainty: Tensor | None
) -> None:
    """Refuse values that would spread as NaN over the image, and systems without a solution."""
    named = (("luma", luma), ("chroma", chroma), ("prior", prior), ("certainty", certainty))
    for label, plane in named:
        if plane is not None and not bool(plane.isfinite().all()):
            raise ValueError(
                f"levin_propagate needs a finite {label}: NaN and infinite values would spread "
                "over the whole image. Replace them first."
            )
    if certainty is not None and bool((certainty < 0).any()):
        raise ValueError("levin_propagate needs a certainty of 0 or more everywhere.")
    held = mask if certainty is None else mask | (certainty > 0)
    if chroma.numel() > 0 and not bool(held.flatten(1).any(1).all()):
        raise ValueError(
            "levin_propagate needs at least one marked pixel in each image's mask, or a certainty "
            "above 0; there is no colour to spread."
        )


def _fake(
    luma: Tensor,
    chroma: Tensor,
    mask: Tensor,
    walls: Tensor | None,
    prior: Tensor | None,
    certainty: Tensor | None,
    tolerance: float = 0.25,
    cycles: int = 60,
    stop: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    remaining = chroma.new_empty(chroma.shape[:2], dtype=torch.float64)
    return chroma.new_empty(chroma.shape), remaining


OPERATORS = (
    Operator(
        schema="levin_propagate(Tensor luma, Tensor chroma, Tensor mask, Tensor? walls,"
        " Tensor? prior, Tensor? certainty, float tolerance=0.25, int cycles=60,"
        " Tensor? stop=None) -> (Tensor, Tensor)",
        twin=twins.levin_propagate,
        fake=_fake,
        no_gradient="it is solved by iterations that keep nothing for it",
    ),
)
