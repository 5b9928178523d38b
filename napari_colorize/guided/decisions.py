"""What a front door is told beside a picture: hints, a reference, a palette; and how they act."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.guided.hints import Drawn, Hints
from napari_colorize.guided.listening import (
    Listening,
    listened,
    listener_for,
    prior_chroma,
    rgb_of_chroma,
)
from napari_colorize.guided.marks import checked_labels
from napari_colorize.guided.matching import Lent
from napari_colorize.guided.palettes import (
    Palette,
    Under,
    palette_of,
)
from napari_colorize.guided.solve import Solved, solve
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline.clipped import clipped_colours
from napari_colorize.pipeline.image import Plane
from napari_colorize.pipeline.plane import ColouredPlane
from napari_colorize.pipeline.refine import with_alpha

if TYPE_CHECKING:
    from torch import Tensor

SEED = 0
"""Of the samples that are drawn from a reference."""

MOST_TEXT = 200_000
"""Hints with more characters than this are named in a record by their file and hash alone."""


@dataclass(frozen=True, eq=False)
class Reference:
    """A picture that lends its colours.

    Parameters
    ----------
    pixels : (h, w, 3) uint8 array
        sRGB.
    path : str or None
        The file it came from.
    """

    pixels: NDArray[np.uint8]
    path: str | None = None

    def described(self) -> dict[str, Any]:
        """Return what a record keeps of it."""
        shape = self.pixels.shape
        said = str(shape).encode() + self.pixels.tobytes()
        digest = hashlib.sha256(said).hexdigest()
        return {"path": self.path, "shape": list(shape), "sha256": digest, "seed": SEED}


@dataclass(frozen=True, eq=False, kw_only=True)
class Decisions:
    """All that a person says of a picture's colours; see :func:`decisions_of`.

    Parameters
    ----------
    hints : Hints, optional
    reference : Reference, optional
    swatches : pair of (H, W) and (h, w) integer array, optional
        Numbered areas of the picture and of the reference; equal numbers belong together.
    palette : Palette, optional
    palette_strength : float
        Exponent of the palette, 0…1.
    spread : float
        How far a hint speaks for places that look alike, 0…1; see
        :func:`napari_colorize.guided.solve.solve`.
    """

    hints: Hints | None = None
    reference: Reference | None = None
    swatches: tuple[NDArray[Any], NDArray[Any]] | None = None
    palette: Palette | None = None
    palette_strength: float = 1.0
    spread: float = 1.0

    def __post_init__(self) -> None:
        """Check the shares."""
        for name in ("palette_strength", "spread"):
            value = getattr(self, name)
            if (
                isinstance(value, bool)
                or not isinstance(value, (int, float))
                or not 0 <= value <= 1
            ):
                raise ValueError(f"{name} is {value!r}; it must be 0 to 1.")
        if self.swatches is not None and self.reference is None:
            raise ValueError("Swatches pair a picture with a reference; give reference=… too.")

    def drawn_over(self, shape: tuple[int, int]) -> Drawn | None:
        """Lay the hints over a picture of so many rows and columns.

        Raises
        ------
        ValueError
            They are for another; see :meth:`napari_colorize.guided.hints.Hints.drawn`.
        """
        if self.swatches is not None and self.swatches[0].shape != tuple(shape):
            raise ValueError(
                f"The picture's swatches have shape {self.swatches[0].shape}, the picture "
                f"{tuple(shape)}; they must be labels of the same picture."
            )
        return self.hints.drawn(shape) if self.hints is not None else None

    def listening(self, model: Any, *, always: bool = False) -> Any:
        """Return ``graph`` and ``record`` of a model that predicts under what was decided.

        Its graph is a :class:`~napari_colorize.guided.listening.Listening` where there are weights
        that listen for the model, and hints or a reference for them, or `always`.
        """
        if always or self.hints is not None or self.reference is not None:
            listener = listener_for(model)
            if listener is not None:
                lent = None
                if self.reference is not None:
                    size = listener.record.defaults["network_size"]
                    lent = Lent(self.reference.pixels, size, self.swatches)
                ear = Listening(listener, self.palette, self.palette_strength, lent)
                return SimpleNamespace(graph=ear, record=model.record)
        if self.reference is not None:
            raise ValueError(
                f"There are no weights that listen for {model.record.name!r}, so a reference "
                "cannot act on it; take the method 'colorful' with its own weights, or 'transfer'."
            )
        if self.palette is None:
            return model
        return SimpleNamespace(
            graph=Under(self.palette, self.palette_strength, model), record=model.record
        )

    def decided(
        self,
        coloured: ColouredPlane,
        seen: NDArray[np.float32],
        chroma: "Tensor",
        drawn: Drawn | None,
        should_stop: Callable[[], bool] | None = None,
        graph: Any = None,
    ) -> ColouredPlane:
        """Change a finished prediction to what the hints say, and have its record say so.

        Parameters
        ----------
        coloured : ColouredPlane
        seen, chroma
            What it was made of; see :func:`napari_colorize.pipeline.refine.full_size_rgb`.
        drawn : Drawn or None
            The hints.
        should_stop : callable, optional
            See :func:`napari_colorize.guided.solve.solve`.
        graph : callable, optional
            What predicted it, from :meth:`listening`: asked again if it listens.

        Returns
        -------
        ColouredPlane
            The same, bit for bit, in pieces of the picture without a coloured hint.
        """
        if drawn is None or not drawn.coloured:
            said = self.described(None, graph)
            return replace(coloured, facts={**coloured.facts, "guide": said})
        plane, used = coloured.plane, coloured.parameters
        prior, moved = prior_chroma(plane, seen, chroma, used)
        listen = None
        if isinstance(graph, Listening):
            listen = partial(listened, graph, plane, seen, used, drawn)
        solved = solve(
            plane.lightness(),
            prior,
            drawn,
            uncertainty=coloured.uncertainty,
            spread=self.spread,
            listen=listen,
            should_stop=should_stop,
        )
        own, own_moved = rgb_of_chroma(plane, solved.chroma, used)
        rgb = coloured.rgb.copy()
        rgb[solved.touched, :3] = own[solved.touched]
        moved[solved.touched] = own_moved[solved.touched]
        assert solved.uncertainty is not None, "a coloured plane has one, and so has its solve"
        return replace(
            coloured,
            rgb=rgb,
            uncertainty=solved.uncertainty,
            moved_share=np.count_nonzero(moved) / moved.size,
            clipped=clipped_colours(moved, plane),
            facts={**coloured.facts, "guide": self.described(solved, graph)},
        )

    def alone(
        self,
        plane: Plane,
        drawn: Drawn | None,
        asked: ColorizeParameters,
        should_stop: Callable[[], bool] | None = None,
    ) -> ColouredPlane:
        """Colour without weights: by hints alone, or by a reference alone.

        Parameters
        ----------
        plane : Plane
        drawn : Drawn or None
        asked : ColorizeParameters
            Its method is ``"scribbles"`` or ``"transfer"``.
        should_stop : callable, optional

        Raises
        ------
        ValueError
            What the method needs is missing.
        """
        light = plane.lightness()
        if asked.method == "scribbles":
            prior = np.zeros((*light.shape, 2), np.float32)
            coloured = np.zeros(light.shape, bool)
        else:
            prior = self.transferred(light)
            coloured = np.ones(light.shape, bool)
        if drawn is not None and drawn.coloured:
            solved = solve(light, prior, drawn, spread=0.0, should_stop=should_stop)
        elif asked.method == "scribbles":
            raise ValueError(
                "The method 'scribbles' takes colour from hints alone, and there is none with a "
                "colour; give hints=…."
            )
        else:
            solved = Solved(prior, coloured, 0, 0)
        rgb, moved = rgb_of_chroma(plane, solved.chroma, asked)
        return ColouredPlane(
            plane=plane,
            network_shape=None,
            rgb=with_alpha(rgb, plane.alpha),
            uncertainty=np.where(solved.touched | coloured, np.float32(0), np.float32(1)),
            moved_share=np.count_nonzero(moved) / moved.size,
            clipped=clipped_colours(moved, plane),
            parameters=asked.changed(device="cpu"),
            checkpoint=None,
            facts={"guide": self.described(solved)},
        )

    def transferred(self, light: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a and b, (H, W, 2), taken from the reference for a lightness of 0…100 (H, W)."""
        if self.reference is None:
            raise ValueError("The method 'transfer' needs a reference picture; give reference=….")
        from napari_colorize.guided.welsh import transfer

        return transfer(light, self.reference.pixels, swatches=self.swatches, seed=SEED).chroma

    def described(self, solved: Solved | None, graph: Any = None) -> dict[str, Any]:
        """Return what a record keeps of all this: enough to do it again; plain JSON."""
        said: dict[str, Any] = {"spread": float(self.spread)}
        if isinstance(graph, Listening):
            record = graph.model.record
            said["listener"] = {"name": record.name, "sha256": record.sha256}
        if self.hints is not None:
            values = self.hints.to_dict()
            whole = len(str(values.get("labels", ""))) <= MOST_TEXT
            said["hints"] = {
                "file": self.hints.file,
                "sha256": self.hints.digest,
                "said": self.hints.legend,
                "values": values if whole else None,
                "held": 0 if solved is None else solved.held,
                "moved": 0 if solved is None else solved.moved,
            }
        if self.reference is not None:
            said["reference"] = self.reference.described()
        if self.swatches is not None:
            both = [np.ascontiguousarray(one, np.int32).tobytes() for one in self.swatches]
            said["swatches"] = {"sha256": [hashlib.sha256(one).hexdigest() for one in both]}
        if self.palette is not None:
            said["palette"] = {
                "name": self.palette.name,
                "colours": list(self.palette.colours),
                "strength": float(self.palette_strength),
            }
        return said


def decisions_of(
    hints: Any = None,
    reference: Any = None,
    palette: Any = None,
    palette_strength: float = 1.0,
    spread: float = 1.0,
    swatches: Any = None,
) -> Decisions:
    """Return what a front door was told, checked.

    Parameters
    ----------
    hints : Hints, path, mapping or None
    reference : (H, W, 3) array, str, path or None
        See :func:`picture_of`.
    palette : Palette, sequence of colours, str, path or None
        See :func:`napari_colorize.guided.palettes.palette_of`.
    palette_strength, spread : float
        0…1.
    swatches : pair of integer arrays, optional
        See :class:`Decisions`.

    Raises
    ------
    TypeError, ValueError
        Something cannot be used; the sentence says what.
    """
    lent = None if reference is None else Reference(*picture_of(reference))
    pair = None
    if swatches is not None and lent is not None:
        pair = checked_swatches(swatches, lent.pixels.shape[:2])
    elif swatches is not None:
        raise ValueError("Swatches pair a picture with a reference; give reference=… too.")
    return Decisions(
        hints=Hints.of(hints),
        reference=lent,
        swatches=pair,
        palette=palette_of(palette),
        palette_strength=palette_strength,
        spread=spread,
    )


def checked_swatches(swatches: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Return two label images of a picture and of a reference of that shape.

    Raises
    ------
    ValueError
        They are not, or have no number in common.
    """
    pair = tuple(swatches)
    if len(pair) != 2:
        raise ValueError("swatches are two label images: of the picture, and of the reference.")
    here, there = (checked_labels(one) for one in pair)
    if there.shape != tuple(shape):
        raise ValueError(
            f"The reference's swatches have shape {there.shape}, the reference {tuple(shape)}; "
            "they must be labels of the same picture."
        )
    if not (set(np.unique(here)) & set(np.unique(there))) - {0}:
        raise ValueError(
            "The swatches of the picture and of the reference have no number in common: give "
            "regions that belong together equal numbers, from 1 on."
        )
    return here, there


def picture_of(reference: Any) -> tuple[NDArray[np.uint8], str | None]:
    """Return a reference as (H, W, 3) uint8 RGB, and its path where it was one.

    Raises
    ------
    TypeError, ValueError
        It is no picture with colour.
    """
    path = None
    if isinstance(reference, (str, Path)) or hasattr(reference, "__fspath__"):
        from napari_colorize import files

        path = str(Path(reference))
        reference = files.read(path)[0].pixels
    pixels = np.asarray(reference)
    named = Path(path).name if path else "The reference"
    if pixels.ndim != 3 or pixels.shape[-1] not in (3, 4) or not pixels.size:
        raise ValueError(
            f"{named} has shape {pixels.shape} and so no colour; give a picture (height, width, 3)."
        )
    pixels = pixels[..., :3]
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    elif pixels.dtype.kind == "f":
        pixels = np.rint(np.clip(np.nan_to_num(pixels), 0, 1) * 255).astype(np.uint8)
    elif pixels.dtype != np.uint8:
        raise ValueError(f"{named} holds {pixels.dtype}; give uint8, uint16 or floats 0 to 1.")
    spread = pixels.max(-1).astype(int) - pixels.min(-1)
    if int(spread.max()) <= 4:
        raise ValueError(f"{named} is grey; a reference lends its colour, so choose one with some.")
    return np.ascontiguousarray(pixels), path
