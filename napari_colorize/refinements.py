"""The refinements: how small chroma reaches full size. One table for all who speak of them.

`REFINEMENTS` says of each what a form calls it, how a legend words it, which of the three numbers
it uses and what it does. The choices and the help of :mod:`napari_colorize.parameters` (hence forms
and command line), the legends and :mod:`napari_colorize.pipeline.refine` read it, so a refinement
is added by adding an entry. The operators are imported when one is used: the table itself costs
neither torch nor NumPy.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

NUMBERS = ("radius", "sigma_space", "sigma_range")
"""The fields of ``ColorizeParameters`` that a refinement may use."""

LARGEST_GRID_RADIUS = 1024
"""In pixels; see :func:`napari_colorize.ops.joint_bilateral_approximate`."""

SMALLEST_GRID_RADIUS, SMALLEST_GRID_SIGMA = 4, 1.0
"""Below these, in pixels, a bilateral grid has nothing to gain and the exact filter is used."""


@dataclass(frozen=True, kw_only=True)
class Refinement:
    """One way to bring small chroma to full size.

    With neither ``upsample`` nor ``smooth`` chroma is enlarged bilinearly, and that is all.

    Parameters
    ----------
    name : str
        As in ``ColorizeParameters.refinement``.
    title : str
        What a form calls it.
    phrase : str
        What a legend calls it; the numbers that it uses stand in braces.
    uses : tuple of str
        Those of ``NUMBERS`` on which the result depends.
    upsample : callable, optional
        ``upsample(chroma, guide_small, guide, radius=…, sigma_space=…, sigma_range=…)`` with
        chroma (1, 2, h, w), L* at that size (1, 1, h, w) and at full size (1, 1, H, W) gives
        chroma (1, 2, H, W). It can be computed in bands of rows.
    smooth : callable, optional
        ``smooth(enlarged, guide, scale, radius=…, sigma_space=…, sigma_range=…)`` with chroma
        enlarged bilinearly (1, 2, H, W), L* (1, 1, H, W) and the pixels a side of one chroma
        pixel gives chroma (1, 2, H, W). It needs the whole picture at once.
    windows : int
        Radii, above and below, of the rows of small chroma that a pixel of ``upsample`` depends
        on.
    in_pieces : bool
        Whether a piece of a picture comes out as it does in the whole. ``ops.finish`` refines such
        a picture, maps it into the gamut and writes uint8 in one pass.
    """

    name: str
    title: str
    phrase: str
    uses: tuple[str, ...]
    upsample: "Callable[..., Tensor] | None" = None
    smooth: "Callable[..., Tensor] | None" = None
    windows: int = 1
    in_pieces: bool = False

    def described(self, numbers: Mapping[str, Any]) -> str:
        """Return what a legend says of it, with these values of its numbers."""
        return self.phrase.format(**numbers)


def _joint_bilateral(
    chroma: "Tensor", guide_small: "Tensor", guide: "Tensor", **numbers: Any
) -> "Tensor":
    from napari_colorize import ops

    return ops.joint_bilateral_upsample(chroma, guide_small, guide, **numbers)


def _guided(
    chroma: "Tensor",
    guide_small: "Tensor",
    guide: "Tensor",
    *,
    radius: int,
    sigma_space: float,
    sigma_range: float,
) -> "Tensor":
    from napari_colorize import ops

    return ops.guided_upsample(chroma, guide_small, guide, radius=radius, sigma_range=sigma_range)


def _bilateral_grid(
    enlarged: "Tensor",
    guide: "Tensor",
    scale: float,
    *,
    radius: int,
    sigma_space: float,
    sigma_range: float,
) -> "Tensor":
    """Filter approximately; exactly where the window is too small for a grid."""
    from napari_colorize import ops

    pixels = min(round(radius * scale), LARGEST_GRID_RADIUS)
    reach = sigma_space * scale
    smooth = ops.joint_bilateral_approximate
    if pixels < SMALLEST_GRID_RADIUS or reach < SMALLEST_GRID_SIGMA:
        smooth = ops.joint_bilateral
    return smooth(enlarged, guide, radius=pixels, sigma_space=reach, sigma_range=sigma_range)


def _domain_transform(
    enlarged: "Tensor",
    guide: "Tensor",
    scale: float,
    *,
    radius: int,
    sigma_space: float,
    sigma_range: float,
) -> "Tensor":
    from napari_colorize import ops

    reach = sigma_space * scale
    return ops.domain_transform(enlarged, guide, sigma_space=reach, sigma_range=sigma_range)


_TABLE = (
    Refinement(
        name="joint_bilateral",
        title="Along edges",
        phrase="joint bilateral upsampling (radius {radius}, space {sigma_space:g}, "
        "range {sigma_range:g} L*)",
        uses=("radius", "sigma_space", "sigma_range"),
        upsample=_joint_bilateral,
        in_pieces=True,
    ),
    Refinement(
        name="bilateral_grid",
        title="Bilateral grid (approximate)",
        phrase="bilinear upsampling and approximate joint bilateral filter (bilateral grid; "
        "radius {radius}, space {sigma_space:g}, range {sigma_range:g} L*)",
        uses=("radius", "sigma_space", "sigma_range"),
        smooth=_bilateral_grid,
    ),
    Refinement(
        name="guided",
        title="Guided filter",
        phrase="guided upsampling (radius {radius}, range {sigma_range:g} L*)",
        uses=("radius", "sigma_range"),
        upsample=_guided,
        # A pixel depends on local models, each of which has seen a window of its own.
        windows=2,
    ),
    Refinement(
        name="domain_transform",
        title="Domain transform",
        phrase="bilinear upsampling and domain transform (space {sigma_space:g}, "
        "range {sigma_range:g} L*)",
        uses=("sigma_space", "sigma_range"),
        smooth=_domain_transform,
    ),
    Refinement(name="bilinear", title="Plain", phrase="bilinear upsampling", uses=()),
)

REFINEMENTS: dict[str, Refinement] = {refinement.name: refinement for refinement in _TABLE}
"""Name → refinement, in the order in which a form offers them; the first is the default."""


def users_of(number: str) -> tuple[str, ...]:
    """Return the names of the refinements that use one of ``NUMBERS``."""
    return tuple(name for name, known in REFINEMENTS.items() if number in known.uses)
